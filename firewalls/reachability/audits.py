"""What the leak audit of a partition finds: who reaches whom, and what is announced where."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from firewalls.reachability.answers import Verdict, together
from firewalls.reachability.values import Guard, Network
from networks.common.addressing import IP, Cidr


class Kind(StrEnum):
    """Why machines of one network reach another's: the first two are what sharing is for."""

    CONSUMER = "consumer"
    ENDPOINT = "endpoint"
    NOT_SHARED = "not_shared"
    NOT_HIDDEN = "not_hidden"
    OPENED_BACKWARDS = "opened_backwards"
    PASSED_ON = "passed_on"


MEANINGS: Mapping[Kind, str] = {
    Kind.CONSUMER: "uses a shared network that its firewall has joined",
    Kind.ENDPOINT: "uses an endpoint that was published",
    Kind.NOT_SHARED: "reaches a network that is not shared",
    Kind.NOT_HIDDEN: "shows its own addresses in a shared network",
    Kind.OPENED_BACKWARDS: "opens connections from a shared network into one that uses it",
    Kind.PASSED_ON: "is passed on from one network it uses to another",
}
EXPECTED = frozenset({Kind.CONSUMER, Kind.ENDPOINT})


@dataclass(frozen=True, slots=True)
class Via:
    """A firewall on the way, the rule that lets it through in words, and whom it shows instead."""

    firewall: str
    name: str
    rule: str
    shown: IP | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """Machines of one private network open connections to machines of another.

    `network` is the one that both sides' firewalls are in: where the first one leads to.
    """

    source: Network
    target: Network
    network: str
    kind: Kind
    version: int
    verdict: Verdict
    via: tuple[Via, ...]

    @property
    def is_leak(self) -> bool:
        return self.kind not in EXPECTED

    @property
    def meaning(self) -> str:
        """Why they do, in words."""
        return MEANINGS[self.kind]


@dataclass(frozen=True, slots=True)
class Exposure:
    """A firewall announces a prefix into a network that has no business to know it.

    `owner` is the network that has the prefix, or nothing where that is none of those at hand.
    """

    firewall: str
    name: str
    network: str
    prefix: Cidr
    owner: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Everything by which machines of one project reach those of another, or of its own."""

    source: str
    target: str
    connections: tuple[Connection, ...]

    @property
    def verdict(self) -> Verdict:
        return together(one.verdict for one in self.connections)

    @property
    def leaks(self) -> int:
        return sum(one.is_leak for one in self.connections)

    @property
    def networks(self) -> list[str]:
        """Those that they meet in."""
        return sorted({one.network for one in self.connections})

    @property
    def firewalls(self) -> list[str]:
        return sorted({via.name for one in self.connections for via in one.via})

    @property
    def machines(self) -> int:
        """How many of the source's machines are in a network from which any of it is reached."""
        sources = {one.source.id: one.source.machines for one in self.connections}
        return sum(sources.values())


@dataclass(frozen=True)
class Audit:
    """All that crosses from one private network into another, and all that is announced wrongly.

    `unknown`: firewalls that run what is not at hand, so that nothing is said of them.
    """

    connections: tuple[Connection, ...]
    exposures: tuple[Exposure, ...]
    unknown: tuple[Guard, ...]

    @property
    def leaks(self) -> list[Connection]:
        return [one for one in self.connections if one.is_leak]

    @property
    def pairs(self) -> list[Pair]:
        """By the names of the projects; those with a leak come first."""
        return pairs(self.connections)


def pairs(connections: Iterable[Connection]) -> list[Pair]:
    """The connections by pairs of projects."""
    found: dict[tuple[str, str], list[Connection]] = {}
    for one in connections:
        found.setdefault((one.source.project, one.target.project), []).append(one)
    every = [Pair(*ends, tuple(ones)) for ends, ones in found.items()]
    return sorted(every, key=lambda pair: (not pair.leaks, pair.source, pair.target))
