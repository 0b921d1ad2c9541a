"""The matrix: who uses what where a map would be a hairball. A table, so it is its own twin."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil
from typing import NamedTuple

from firewalls.picture.captions import word
from firewalls.picture.choices import Choice
from firewalls.picture.folding import Bundle, Fold, bundles
from firewalls.picture.values import SEVERITY, Service, Uses, shape, worst

SHADES = 5
LEVELS = (Fold.TENANT, Fold.PROJECT, Fold.FIREWALL)
WELL = "in_sync"
Link = Callable[[Bundle, str], str]  # where a cell of this row and network leads


class Group(NamedTuple):
    """Columns of one owner."""

    owner: str
    services: tuple[Service, ...]


class Cell(NamedTuple):
    """How many firewalls of a row have joined the network of a column."""

    service: Service
    firewalls: int = 0
    shade: int = 0  # from 1 to SHADES: how many, beside the most of any cell
    shape: str = ""  # of the worst state; empty where all are in sync
    trouble: str = ""  # the same in words
    href: str = ""


class Line(NamedTuple):
    """A row: a tenant, a project or a firewall, `depth` deep."""

    bundle: Bundle
    depth: int
    opened: bool
    toggle: str  # the query that opens or closes it; empty where it stays as it is
    cells: tuple[Cell, ...]

    @property
    def is_firewall(self) -> bool:
        return self.bundle.fold is Fold.FIREWALL

    @property
    def title(self) -> str:
        return self.bundle.first.name if self.is_firewall else self.bundle.key


class Sum(NamedTuple):
    """How many firewalls have joined a network."""

    service: Service
    firewalls: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """A whole matrix."""

    groups: tuple[Group, ...]
    lines: tuple[Line, ...]
    sums: tuple[Sum, ...]


ORDERS: dict[str, Callable[[Bundle], tuple[object, ...]]] = {
    "size": lambda row: (-len(row.consumers), row.key),
    "name": lambda row: (row.first.name if row.fold is Fold.FIREWALL else row.key,),
    "trouble": lambda row: (SEVERITY.index(row.state), -len(row.consumers), row.key),
}


def matrix(uses: Uses, choice: Choice, link: Link) -> Matrix:
    """Rows by tenant, those in `choice.open` unfolded; columns by owner."""
    groups = _groups(uses)
    services = [one for group in groups for one in group.services]
    tenants = bundles(uses, Fold.TENANT)
    most = max((len(states) for row in tenants for states in _states(row).values()), default=1)

    def cells(row: Bundle) -> tuple[Cell, ...]:
        states = _states(row)
        return tuple(_cell(one, states.get(one.key, []), row, most, link) for one in services)

    lines = tuple(
        Line(row, depth, opened, _toggle(row, depth, opened, choice), cells(row))
        for row, depth, opened in _rows(tenants, choice, 0)
    )
    totals = Counter(network for one in uses.firewalls for network in one.joined)
    return Matrix(groups, lines, tuple(Sum(one, totals[one.key]) for one in services))


def _groups(uses: Uses) -> tuple[Group, ...]:
    """The networks by owner, those of owners that have but one at the end."""
    services = sorted(uses.services, key=lambda one: (one.project, one.key))
    by_owner = [(owner, tuple(ones)) for owner, ones in groupby(services, lambda one: one.project)]
    large = [Group(owner, ones) for owner, ones in by_owner if len(ones) > 1]
    single = sorted((one for _, ones in by_owner if len(ones) == 1 for one in ones), key=_by_key)
    others = "other projects" if large else "projects"
    return (*large, Group(others, tuple(single))) if single else tuple(large)


def _by_key(service: Service) -> str:
    return service.key


def _rows(rows: Sequence[Bundle], choice: Choice, depth: int) -> Iterator[tuple[Bundle, int, bool]]:
    """In the order that is chosen, each with what it is unfolded into; one that is alone is."""
    last = depth + 1 == len(LEVELS)
    for row in sorted(rows, key=ORDERS.get(choice.order, ORDERS["size"])):
        opened = not last and (opening(row) in choice.open or (len(rows) == 1 and not depth))
        yield row, depth, opened
        if opened:
            inside = bundles(Uses(row.consumers, ()), LEVELS[depth + 1])
            yield from _rows(inside, choice, depth + 1)


def opening(row: Bundle) -> str:
    """How a URL says that this row is unfolded."""
    return f"{row.fold}:{row.key}"


def _toggle(row: Bundle, depth: int, opened: bool, choice: Choice) -> str:
    own = opening(row)
    if depth + 1 == len(LEVELS) or (opened and own not in choice.open):
        return ""
    others = tuple(one for one in choice.open if one != own)
    return choice.query(open=others if opened else (*others, own))


def _states(row: Bundle) -> Mapping[str, list[str]]:
    """The states of those that have joined a network, by network."""
    states: dict[str, list[str]] = defaultdict(list)
    for one in row.consumers:
        for network in one.joined:
            states[network].append(one.state)
    return states


def _cell(service: Service, states: list[str], row: Bundle, most: int, link: Link) -> Cell:
    count = len(states)
    if not count:
        return Cell(service)
    shade, href = ceil(SHADES * count / most), link(row, service.key)
    cell = Cell(service, count, shade, href=href)
    state = worst(states)
    if state == WELL:
        return cell
    return cell._replace(shape=shape(state), trouble=f"{states.count(state)} {word(state)}")
