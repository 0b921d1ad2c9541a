"""In which order things stand on a map, so that few lines cross and nothing moves without need.

What hangs together is ordered by itself, and stands apart from the rest: something that is added
elsewhere moves it as a whole, or not at all. Within, two sweeps of barycentres (Sugiyama, 1981).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

SWEEPS = 2
Uses = Mapping[str, Iterable[str]]  # the networks that a row uses, by the row's name


class Component(NamedTuple):
    """What hangs together, in order."""

    rows: tuple[str, ...]
    networks: tuple[str, ...]


def components(uses: Uses, networks: Iterable[str]) -> list[Component]:
    """All of it, by the first network's name; networks that nobody uses come last."""
    used_by = _used_by(uses)
    left = sorted(used_by)
    found: list[Component] = []
    while left:
        component = _around(left[0], uses, used_by)
        found.append(_ordered(component, uses, used_by))
        left = [network for network in left if network not in component.networks]
    unused = sorted(set(networks) - set(used_by))
    alone = [Component((row,), ()) for row in sorted(uses) if not list(uses[row])]
    return [*found, *alone, *(Component((), (network,)) for network in unused)]


def _used_by(uses: Uses) -> dict[str, list[str]]:
    rows: dict[str, list[str]] = {}
    for row in sorted(uses):
        for network in uses[row]:
            rows.setdefault(network, []).append(row)
    return rows


def _around(network: str, uses: Uses, used_by: Uses) -> Component:
    """What hangs together with this network."""
    rows: set[str] = set()
    networks: set[str] = set()
    ahead = [network]
    while ahead:
        one = ahead.pop()
        networks.add(one)
        new = set(used_by[one]) - rows
        rows |= new
        ahead += {other for row in new for other in uses[row]} - networks
    return Component(tuple(sorted(rows)), tuple(sorted(networks)))


def _ordered(component: Component, uses: Uses, used_by: Uses) -> Component:
    rows, networks = component
    for _ in range(SWEEPS):
        rows = _by_barycentre(rows, uses, networks)
        networks = _by_barycentre(networks, used_by, rows)
    return Component(rows, networks)


def _by_barycentre(ones: Iterable[str], beside: Uses, order: Sequence[str]) -> tuple[str, ...]:
    """By the mean place of what each leads to; by name where that is the same."""
    places = {name: place for place, name in enumerate(order)}

    def mean(one: str) -> float:
        of_one = [places[other] for other in beside[one]]
        return sum(of_one) / len(of_one)

    return tuple(sorted(ones, key=lambda one: (mean(one), one)))
