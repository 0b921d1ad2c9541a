"""The shapes of a map, in px: boxes, and edges from one to another."""

from dataclasses import dataclass
from typing import NamedTuple

ABOVE = 4  # from the line that a title stands on to the middle of its box
BELOW = 17  # from there to the next line
CHIP_ABOVE, CHIP_INSIDE = 11, 5  # from a chip's edges to its text
HALF_LETTER, CORNER = 4, 6
LABEL_ABOVE, LABEL_INSIDE = 7, 3
INSIDE = 14  # from a box's left edge to its text
STATE = 16  # from a box's right edge to the middle of its state


class Chip(NamedTuple):
    """A word in a box, with an edge of its own."""

    x: float
    width: float
    text: str

    @property
    def text_x(self) -> float:
        return self.x + CHIP_INSIDE


@dataclass(frozen=True, slots=True)
class Box:
    """One thing, where it stands, what it says and where it leads."""

    kind: str  # home, firewall, shared, or serves
    key: str
    x: float
    y: float
    width: float
    height: float
    title: str
    below: str
    hint: str  # all that is known of it, in words, uncut
    href: str = ""
    shape: str = ""  # of its state
    stripe: int | None = None  # the colour of its project
    chips: tuple[Chip, ...] = ()

    @property
    def middle(self) -> float:
        return self.y + self.height / 2

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def text_x(self) -> float:
        return self.x + INSIDE

    @property
    def text_y(self) -> float:
        """Two lines stand in the middle of the box."""
        return self.middle - ABOVE

    @property
    def below_y(self) -> float:
        return self.text_y + BELOW

    @property
    def chip_y(self) -> float:
        return self.below_y - CHIP_ABOVE

    @property
    def state_x(self) -> float:
        return self.right - STATE

    @property
    def state_y(self) -> float:
        return self.text_y - HALF_LETTER

    @property
    def stripe_y(self) -> float:
        """Within the round corners."""
        return self.y + CORNER

    @property
    def stripe_height(self) -> float:
        return self.height - 2 * CORNER


@dataclass(frozen=True, slots=True)
class Label:
    """A text on an edge, whose middle is at y."""

    x: float
    y: float
    width: float
    text: str

    @property
    def top(self) -> float:
        return self.y - LABEL_ABOVE

    @property
    def text_x(self) -> float:
        return self.x + LABEL_INSIDE

    @property
    def text_y(self) -> float:
        return self.y + HALF_LETTER


@dataclass(frozen=True, slots=True)
class Edge:
    """A line from the right side of a box to the left side of another one."""

    source: str
    target: str
    start: tuple[float, float]
    end: tuple[float, float]
    bend: float  # straight from the start to this x
    width: float = 1.5
    label: Label | None = None
    hint: str = ""
    group: str = ""  # the network that it leads to, as a class
    meets: bool = True

    @property
    def path(self) -> str:
        """It as SVG writes it (SVG 2, 9.3): straight, then a smooth curve."""
        (x1, y1), (x2, y2) = self.start, self.end
        half = (self.bend + x2) / 2
        straight = f"M{x1:g} {y1:g}H{self.bend:g}"
        return f"{straight}C{half:g} {y1:g} {half:g} {y2:g} {x2:g} {y2:g}"


@dataclass(frozen=True, slots=True)
class Way:
    """What lights up together: a network, its firewalls, and the edges to what they use."""

    groups: str  # the networks that it uses, as classes
    home: Box
    firewalls: tuple[Box, ...]
    edges: tuple[Edge, ...]
    picked: bool = True


@dataclass(frozen=True, slots=True)
class Target:
    """A shared network and the machines in it."""

    group: str
    network: Box
    serves: Box
    edge: Edge
    picked: bool = True


@dataclass(frozen=True, slots=True)
class Map:
    """A whole map."""

    width: float
    height: float
    heads: tuple[tuple[float, str], ...]
    ways: tuple[Way, ...]
    targets: tuple[Target, ...]
    labelled: bool  # few enough edges that each shows its label; else where one looks

    @property
    def boxes(self) -> list[Box]:
        of_ways = [box for way in self.ways for box in (way.home, *way.firewalls)]
        return [*of_ways, *(box for one in self.targets for box in (one.network, one.serves))]

    @property
    def edges(self) -> list[Edge]:
        of_ways = [edge for way in self.ways for edge in way.edges]
        return [*of_ways, *(one.edge for one in self.targets)]
