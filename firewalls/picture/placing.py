"""Where things stand on a map: numbers from names. The same names give the same numbers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from firewalls.picture.ordering import Component, components

BOX = 46  # how high a box is, at least
PORT = 15  # from one edge to the next, where they leave a box: as much as a label takes
CLOSEST, WIDEST = 3, 12  # from one edge to the next, where they arrive
MARGIN = 7  # from an edge to the corner of its box
HEAD, FOOT = 38, 16
NEAR, GAP, APART = 6, 12, 24  # between firewalls of one network, between rows, between components
Row = Sequence[str]  # the networks that it uses
Units = Mapping[str, Mapping[str, Row]]  # rows by name, by what is on their left


class Span(NamedTuple):
    """From where to where."""

    y: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(slots=True)
class Placed:
    """Where everything stands, by name, from the top to the bottom."""

    homes: dict[str, Span] = field(default_factory=dict)
    rows: dict[str, Span] = field(default_factory=dict)
    networks: dict[str, Span] = field(default_factory=dict)
    height: float = HEAD

    def leaving(self, row: str, used: Row) -> dict[str, float]:
        """Where the edges to these networks leave the row."""
        order = sorted(used, key=lambda network: (self.networks[network].y, network))
        return _spread(self.rows[row], order, PORT)

    def arriving(self, network: str, rows: Iterable[str]) -> dict[str, float]:
        """Where the edges of these rows arrive at the network."""
        order = sorted(rows, key=lambda row: self.rows[row].y)
        return _spread(self.networks[network], order, WIDEST)


def _spread(span: Span, order: Sequence[str], widest: float) -> dict[str, float]:
    """Around the middle of the span, and not beyond its corners."""
    room = span.height - 2 * MARGIN
    step = min(widest, room / max(1, len(order) - 1))
    first = span.middle - step * (len(order) - 1) / 2
    return {name: round(first + step * place, 2) for place, name in enumerate(order)}


def place(units: Units, networks: Iterable[str]) -> Placed:
    """Place it all: what hangs together in one piece, such pieces below each other."""
    uses = {
        unit: sorted({one for row in rows.values() for one in row}) for unit, rows in units.items()
    }
    placed = Placed()
    for component in components(uses, networks):
        _place_component(placed, component, units)
        placed.height += APART
    placed.height += FOOT - APART
    return placed


def _place_component(placed: Placed, component: Component, units: Units) -> None:
    top = placed.height
    arriving = dict.fromkeys(component.networks, 0)
    for unit in component.rows:
        for used in units[unit].values():
            for network in used:
                arriving[network] += 1
    heights = {network: _height_of_network(arriving[network]) for network in component.networks}
    left = sum(_height_of_unit(units[unit]) + GAP for unit in component.rows) - GAP
    right = sum(heights.values()) + GAP * (len(heights) - 1)
    bottom = top + max(left, right)
    _place_units(placed, component, units, top + max(0, right - left) / 2)
    _place_networks(placed, heights, _wanted(placed, component, units), (top, bottom))
    placed.height = bottom


def _height_of_row(used: Row) -> float:
    return max(BOX, PORT * (len(used) - 1) + 2 * MARGIN + 4)


def _height_of_unit(rows: Mapping[str, Row]) -> float:
    return sum(_height_of_row(used) + NEAR for used in rows.values()) - NEAR


def _height_of_network(arriving: int) -> float:
    return max(BOX, CLOSEST * (arriving - 1) + 2 * MARGIN)


def _place_units(placed: Placed, component: Component, units: Units, top: float) -> None:
    for unit in component.rows:
        height = _height_of_unit(units[unit])
        placed.homes[unit] = Span(top + (height - BOX) / 2, BOX)
        y = top
        for row, used in units[unit].items():
            placed.rows[row] = Span(y, _height_of_row(used))
            y += _height_of_row(used) + NEAR
        top += height + GAP


def _wanted(placed: Placed, component: Component, units: Units) -> dict[str, float]:
    """Where the middle of each network would best be: at the mean of those that use it."""
    middles: dict[str, list[float]] = {network: [] for network in component.networks}
    for unit in component.rows:
        for row, used in units[unit].items():
            for network in used:
                middles[network].append(placed.rows[row].middle)
    return {network: sum(ys) / len(ys) for network, ys in middles.items() if ys}


def _place_networks(
    placed: Placed,
    heights: Mapping[str, float],
    wanted: Mapping[str, float],
    between: tuple[float, float],
) -> None:
    """In their order, as near as can be to where they are wanted, and none over another."""
    top, bottom = between
    tops: dict[str, float] = {}
    for network, height in heights.items():
        tops[network] = max(top, wanted.get(network, top) - height / 2)
        top = tops[network] + height + GAP
    for network in reversed(tops):
        tops[network] = min(tops[network], bottom - heights[network])
        bottom = tops[network] - GAP
    for network, y in tops.items():
        placed.networks[network] = Span(round(y, 2), heights[network])
