"""The map: private networks, their firewalls, the shared networks that these use, and who serves.

A pure function of values; `templates/firewalls/picture/map.html` draws what it returns.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log2

from firewalls.picture import captions
from firewalls.picture.folding import Bundle, Fold
from firewalls.picture.placing import Placed, place
from firewalls.picture.shapes import Box, Edge, Label, Map, Target, Way
from firewalls.picture.texts import SMALL, width
from firewalls.picture.values import Consumer, Service, Uses

WIDTH = 1176
COLUMNS = {"home": (16, 208), "firewall": (276, 224), "shared": (690, 208), "serves": (952, 208)}
HEADS = {
    "home": "Private networks that use them",
    "firewall": "Their firewalls",
    "shared": "Shared networks",
    "serves": "Machines in them",
}
FEW_EDGES = 20  # so many show their labels
BESIDE_LABEL, BEND, LABELLED_BEND = 8, 24, 114
THINNEST, THICKEST = 1.5, 7.0
Link = Callable[[str, str], str]  # where a box of this kind and key leads


@dataclass(frozen=True, slots=True)
class _Drawing:
    """What every part of the map is drawn from."""

    placed: Placed
    services: Mapping[str, Service]
    groups: Mapping[str, str]  # a class for each network
    arrivals: Mapping[str, Mapping[str, float]]
    link: Link
    pick: str
    bend: float


def draw(uses: Uses, rows: Sequence[Bundle], link: Link, pick: str = "") -> Map:
    """Draw it; `pick`, a network or a firewall, stands out."""
    units = _units(rows)
    services = {one.key: one for one in uses.services}
    named = {
        name: {row.key: [one for one in row.joined if one in services] for row in unit}
        for name, unit in units.items()
    }
    placed = place(named, services)
    labelled = sum(len(row.joined) for row in rows) <= FEW_EDGES
    drawing = _Drawing(
        placed,
        services,
        {network: f"n{number}" for number, network in enumerate(placed.networks)},
        _arrivals(placed, rows),
        link,
        pick if pick in services or any(_is_picked(pick, row) for row in rows) else "",
        COLUMNS["firewall"][0] + COLUMNS["firewall"][1] + (LABELLED_BEND if labelled else BEND),
    )
    ways = tuple(_way(drawing, name, units[name]) for name in placed.homes)
    targets = tuple(_target(drawing, services[key], rows) for key in placed.networks)
    heads = tuple((COLUMNS[column][0], text) for column, text in HEADS.items())
    return Map(WIDTH, placed.height, heads, ways, targets, labelled)


def _units(rows: Iterable[Bundle]) -> dict[str, list[Bundle]]:
    """The rows by what stands on their left: firewalls of one network have that in common."""
    units: dict[str, list[Bundle]] = {}
    for row in sorted(rows, key=lambda row: (row.first.name, row.key)):
        alone = row.fold is Fold.FIREWALL
        units.setdefault(row.first.network if alone else f"{row.fold} {row.key}", []).append(row)
    return units


def _arrivals(placed: Placed, rows: Sequence[Bundle]) -> dict[str, dict[str, float]]:
    users: dict[str, list[str]] = {network: [] for network in placed.networks}
    for row in rows:
        for network in row.joined:
            if network in users:
                users[network].append(row.key)
    return {network: placed.arriving(network, keys) for network, keys in users.items()}


def _way(drawing: _Drawing, name: str, rows: Sequence[Bundle]) -> Way:
    home = captions.home(rows, _at(drawing.placed.homes[name], "home"), drawing.link)
    firewalls = tuple(
        captions.firewall(row, _at(drawing.placed.rows[row.key], "firewall"), drawing.link)
        for row in rows
    )
    edges = [_own_edge(home, box) for box in firewalls]
    for row in rows:
        edges += _uses(drawing, row)
    groups = sorted({drawing.groups[network] for row in rows for network in row.joined})
    picked = not drawing.pick or any(_is_picked(drawing.pick, row) for row in rows)
    return Way(" ".join(groups), home, firewalls, tuple(edges), picked)


def _is_picked(pick: str, row: Bundle) -> bool:
    keys = (one.key for one in row.consumers)
    return pick in (*row.joined, *row.networks, *keys)


def _at(span: tuple[float, float], column: str) -> tuple[float, float, float, float]:
    x, wide = COLUMNS[column]
    y, high = span
    return x, y, wide, high


def _own_edge(home: Box, firewall: Box) -> Edge:
    start, end = (home.right, home.middle), (firewall.x, firewall.middle)
    return Edge(home.key, firewall.key, start, end, bend=home.right)


def _uses(drawing: _Drawing, row: Bundle) -> Iterable[Edge]:
    """The edges of a row to the networks that it uses."""
    used = [network for network in row.joined if network in drawing.services]
    right = sum(COLUMNS["firewall"])
    for network, y in drawing.placed.leaving(row.key, used).items():
        users = row.using(network)
        text, meets = captions.edge(row, users, network)
        wide = width(text, SMALL) + 6
        yield Edge(
            row.key,
            network,
            (right, y),
            (COLUMNS["shared"][0], drawing.arrivals[network][row.key]),
            bend=drawing.bend,
            width=_thickness(users),
            label=Label(right + BESIDE_LABEL, y, wide, text),
            hint=captions.use(row, users, network),
            group=drawing.groups[network],
            meets=meets,
        )


def _thickness(users: Sequence[Consumer]) -> float:
    """The more firewalls, the thicker, and less and less so."""
    return round(min(THICKEST, THINNEST + log2(len(users))), 2)


def _target(drawing: _Drawing, service: Service, rows: Sequence[Bundle]) -> Target:
    span = drawing.placed.networks[service.key]
    network = captions.shared(service, _at(span, "shared"), drawing.link)
    serves = captions.serves(service, _at(span, "serves"), drawing.link)
    edge = Edge(
        service.key,
        serves.key,
        (network.right, network.middle),
        (serves.x, serves.middle),
        bend=network.right,
    )
    picked = _is_target_picked(drawing, service.key, rows)
    return Target(drawing.groups[service.key], network, serves, edge, picked)


def _is_target_picked(drawing: _Drawing, key: str, rows: Sequence[Bundle]) -> bool:
    """A shared network that is picked stands out alone, a firewall with all that it uses."""
    if drawing.pick in ("", key):
        return True
    of_firewall = drawing.pick not in drawing.services
    return of_firewall and any(_is_picked(drawing.pick, row) for row in rows if key in row.joined)
