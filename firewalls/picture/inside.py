"""The picture of a firewall: its routing tables, and what passes between them.

A pure function of its plan; `templates/firewalls/picture/inside.html` draws what it returns.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from firewalls.configuration.plan import Plan
from firewalls.configuration.routes import Vrf
from firewalls.picture.lanes import Kind, Lane, Row, home_of, lanes
from firewalls.picture.shapes import INSIDE, Box
from firewalls.picture.texts import SMALL, TITLE, several, shortened, width

WIDTH = 1176
BEHIND, HOME = (16, 152), (208, 200)
OTHER, BEYOND = (752, 200), (1000, 160)  # x, width
FRAME = (188, 784)
TOP, HEAD, FOOT, GAP = 30, 58, 34, 14
PITCH, MARGIN, LEAST = 21, 13, 46  # of the rows of a lane; above and below them; its height
BESIDE, ARROW = 10, 8  # from a box to an arrow; its head
MANY = 8  # lanes; with more of them, a lane shows its traffic alone
Link = Callable[[str], str]  # where the box of a network leads


class Arrow(NamedTuple):
    """A row, drawn: a line with a head at its end, and a text on it."""

    row: Row
    y: float
    start: float
    end: float
    text: str
    text_x: float
    text_width: float

    @property
    def head(self) -> str:
        back = -ARROW if self.end > self.start else ARROW
        return f"M{self.end:g} {self.y:g}l{back} -4v8z"

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2

    @property
    def text_y(self) -> float:
        return self.y + 4

    @property
    def top(self) -> float:
        return self.y - 7


@dataclass(frozen=True, slots=True)
class Strip:
    """A lane, drawn: the network's box, what is beyond it, and the arrows."""

    lane: Lane
    box: Box
    beyond: Box
    arrows: tuple[Arrow, ...]


@dataclass(frozen=True, slots=True)
class Inside:
    """The whole picture."""

    name: str
    width: float
    height: float
    frame: Box
    behind: Box
    home: Box
    strips: tuple[Strip, ...]
    notes: tuple[str, ...]  # what it says under its tables

    @property
    def note_y(self) -> float:
        return self.frame.bottom - MARGIN


def draw(plan: Plan, machines: Mapping[str, int], link: Link) -> Inside:
    """Draw it; `machines` says how many live in which network."""
    home, shown = home_of(plan), lanes(plan)
    strips, y = [], float(HEAD)
    for lane in shown:
        strip = _strip(lane, _rows(lane, len(shown) > MANY), y, machines, link)
        strips.append(strip)
        y = strip.box.bottom + GAP
    bottom = max(y - GAP, HEAD + LEAST)
    table = Box("own", home.network, HOME[0], HEAD, HOME[1], bottom - HEAD, *_home(home, link))
    frame = Box("frame", plan.hostname, FRAME[0], TOP, FRAME[1], bottom + FOOT - TOP, "", "", "")
    return Inside(
        plan.hostname,
        WIDTH,
        bottom + FOOT + GAP,
        frame,
        _behind(home, machines, table, link),
        table,
        tuple(strips),
        _notes(plan),
    )


def _rows(lane: Lane, many: bool) -> tuple[Row, ...]:
    return tuple(row for row in lane.rows if not many or row.kind is not Kind.ROUTES)


def _strip(
    lane: Lane, rows: tuple[Row, ...], y: float, machines: Mapping[str, int], link: Link
) -> Strip:
    vrf = lane.vrf
    height = max(LEAST, PITCH * (len(rows) - 1) + 2 * MARGIN)
    addresses = ", ".join(map(str, vrf.addresses)) or "no address"
    hint = f"{vrf.network}, {vrf.role}: VRF {vrf.number}, here {addresses}"
    kind = "shared" if vrf.role == "shared" else "outer"
    x, wide = OTHER
    below = _fits(addresses, wide, SMALL)
    title = _fits(vrf.network, wide, TITLE)
    box = Box(kind, vrf.network, x, y, wide, height, title, below, hint, link(vrf.network))
    first = box.middle - PITCH * (len(rows) - 1) / 2
    arrows = tuple(_arrow(row, first + PITCH * place) for place, row in enumerate(rows))
    return Strip(lane, box, _beyond(lane, box, machines, link), arrows)


def _fits(text: str, wide: float, letter: float) -> str:
    return shortened(text, wide - 2 * INSIDE, letter)


def _arrow(row: Row, y: float) -> Arrow:
    left, right = HOME[0] + HOME[1] + BESIDE, OTHER[0] - BESIDE
    text = shortened(row.text, right - left - 6 * ARROW, SMALL)
    wide = width(text, SMALL) + 10
    start, end = (left, right) if row.outward else (right, left)
    x = (left + right - wide) / 2
    return Arrow(row, y, start, end, text, x, wide)


def _beyond(lane: Lane, box: Box, machines: Mapping[str, int], link: Link) -> Box:
    """The machines of a shared network, or where an external one leads."""
    name, (x, wide) = lane.vrf.network, BEYOND
    if lane.vrf.role == "shared":
        title = several(machines.get(name, 0), "machine")
        texts, href = (title, "in it", f"{title} in {name}"), link(name) + "#machines"
    else:
        title = "anywhere" if lane.leads_outside else "outside"
        prefixes = ", ".join(lane.beyond) or "nothing"
        texts = (title, _fits(prefixes, wide, SMALL), f"Through {name}: {prefixes}")
        href = link(name)
    kind = "serves" if lane.vrf.role == "shared" else "edge"
    y = box.middle - LEAST / 2
    return Box(kind, f"beyond {name}", x, y, wide, LEAST, *texts, href)


def _home(home: Vrf, link: Link) -> tuple[str, str, str, str]:
    addresses = ", ".join(map(str, home.addresses)) or "no address"
    hint = f"{home.network}, primary: VRF {home.number}, here {addresses}"
    hint += "; a default route of its own, where nothing else leads out" if home.floats else ""
    title, below = _fits(home.network, HOME[1], TITLE), _fits(addresses, HOME[1], SMALL)
    return title, below, hint, link(home.network)


def _behind(home: Vrf, machines: Mapping[str, int], table: Box, link: Link) -> Box:
    x, wide = BEHIND
    title = several(machines.get(home.network, 0), "machine")
    y = table.middle - LEAST / 2
    hint = f"{title} in {home.network}, behind this firewall"
    href = link(home.network) + "#machines"
    return Box("serves", "behind", x, y, wide, LEAST, title, "behind it", hint, href)


def _notes(plan: Plan) -> tuple[str, ...]:
    """What is no network's: how it is reached, and the fabric."""
    ssh = [str(one) for sources in plan.access.management for one in sources.prefixes]
    return (
        f"SSH from {', '.join(ssh) or 'anywhere but its networks'}",
        f"fabric: {', '.join(plan.uplinks) or 'no uplinks'}, router id {plan.router_id}",
    )
