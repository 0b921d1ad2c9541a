"""A law as a value, whom it is about, and what breaks it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from firewalls.reachability.answers import Hop
from firewalls.reachability.laws.extents import Box
from firewalls.reachability.segments import PROTOCOLS
from firewalls.reachability.values import ICMP, PRIVATE, Network, Packet, Partition

Key = tuple[int, str, str, int, str]


class Kind(StrEnum):
    """Only these reach it; these always reach it; nobody (or nobody of these) reaches it."""

    ONLY = "only"
    ALWAYS = "always"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Law:
    """Who reaches what, by ids; a target that is neither network nor project is the internet.

    Without a protocol any of them is meant, without a port any, without a family each that both
    ends have. `outside`: nobody from outside, whatever reaches it from within.
    """

    id: int
    kind: Kind
    projects: frozenset[str] = frozenset()
    networks: frozenset[str] = frozenset()
    outside: bool = False
    target_network: str = ""
    target_project: str = ""
    protocol: str = ""
    port: int | None = None
    family: int | None = None
    partition: str = ""

    @property
    def is_about_internet(self) -> bool:
        return not self.target_network and not self.target_project

    @property
    def forbids(self) -> bool:
        """Whether what reaches breaks it; else what does not."""
        return self.kind is not Kind.ALWAYS

    @property
    def forbids_outside(self) -> bool:
        """Whether what comes from outside breaks it."""
        if self.is_about_internet or not self.forbids:
            return False
        return self.kind is Kind.ONLY or self.outside or not (self.projects or self.networks)

    @property
    def protocols(self) -> tuple[str, ...]:
        return (self.protocol,) if self.protocol else PROTOCOLS

    def is_about(self, source: Network) -> bool:
        """Whether it forbids, or demands, something of the machines of this network.

        What always reaches is judged where machines are: a network is made before its firewall.
        """
        if source.kind != PRIVATE or self.partition not in ("", source.partition):
            return False
        if self.kind is Kind.ONLY:
            return not self._names(source)
        if self.kind is Kind.ALWAYS:
            return self._names(source) and source.machines > 0
        everybody = not (self.projects or self.networks)
        return not self.outside and (everybody or self._names(source))

    def targets(self, partition: Partition) -> list[Network]:
        """The networks that it is about reaching; none where that is the internet."""
        return [one for one in partition.networks.values() if self.is_target(one)]

    def is_target(self, network: Network) -> bool:
        if network.kind != PRIVATE or self.partition not in ("", network.partition):
            return False
        if self.target_network:
            return network.id == self.target_network
        return bool(self.target_project) and network.project == self.target_project

    def _names(self, network: Network) -> bool:
        return network.id in self.networks or network.project in self.projects

    @property
    def sentence(self) -> str:
        """As people say it."""
        names = sorted({*self.projects, *self.networks})
        where = f" in {self.partition}" if self.partition else ""
        return f"{self._who(names)} {self._target}{self._service}{self._from}{where}"

    def _who(self, names: list[str]) -> str:
        reach = "reach" if len(names) > 1 else "reaches"
        if self.kind is Kind.ONLY:
            return f"only {_listed(names)} {reach}"
        if self.kind is Kind.ALWAYS:
            return f"{_listed(names)} always {reach}"
        return f"nobody of {_listed(names)} reaches" if names else "nobody reaches"

    @property
    def _target(self) -> str:
        if self.target_project:
            return f"networks of {self.target_project}"
        return self.target_network or "the internet"

    @property
    def _from(self) -> str:
        return " from outside" if self.outside else ""

    @property
    def _service(self) -> str:
        by = f" by IPv{self.family}" if self.family else ""
        if self.protocol == ICMP:
            return f" by ping{by}"
        port = f"/{self.port}" if self.port is not None else ""
        return f" on {self.protocol}{port}{by}" if self.protocol else by


def _listed(names: list[str]) -> str:
    *most, last = names or ["nobody"]
    return f"{', '.join(most)} and {last}" if most else last


@dataclass(frozen=True)
class Breach:
    """Flows between two networks that break a law, and one of them with its path.

    `source` is the external network where they come from outside; without a target they go to the
    internet. `reason`: why one that must come about does not. `parts`: of several, each with its
    own flow.
    """

    law: int
    source: str
    target: str
    version: int
    protocol: str
    boxes: tuple[Box, ...]
    packet: Packet
    path: tuple[Hop, ...] = ()
    reason: str = ""
    outside: bool = False
    parts: tuple["Breach", ...] = ()

    @property
    def key(self) -> Key:
        return self.law, self.source, self.target, self.version, self.protocol


def by_key(breaches: Iterable[Breach]) -> dict[Key, Breach]:
    """Those of the same ends as one: with all that they go, and the first one's path."""
    alike: dict[Key, list[Breach]] = {}
    for one in breaches:
        alike.setdefault(one.key, []).append(one)
    return {
        key: replace(ones[0], boxes=tuple(box for one in ones for box in one.boxes), parts=(*ones,))
        for key, ones in alike.items()
    }
