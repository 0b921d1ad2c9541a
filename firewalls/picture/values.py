"""What is drawn: firewalls that use shared networks, and the shared networks that they use."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

# The worst first: what a picture of several firewalls shows is the worst of their states.
SEVERITY = ("failed", "refused", "unreachable", "drifted", "pushing", "pending", "new", "in_sync")
# A state's shape, as `templates/state.html` has it.
SHAPES = {
    "in_sync": "ok",
    "pending": "wait",
    "drifted": "wait",
    "pushing": "run",
    "failed": "bad",
    "refused": "bad",
    "unreachable": "bad",
}
NO_SHAPE = "off"
NEARLY_FULL = 0.8


class Join(NamedTuple):
    """A shared network that a firewall has joined, with its addresses there.

    `meets`: whether the network behind the firewall has an address family in common with it;
    where it has none, nothing behind the firewall reaches it.
    """

    network: str
    addresses: tuple[str, ...] = ()
    meets: bool = True


@dataclass(frozen=True, slots=True)
class Consumer:
    """A firewall with the shared networks that it has joined, and who is behind it."""

    key: str
    name: str
    state: str
    network: str
    project: str
    tenant: str
    machines: int
    joins: tuple[Join, ...]
    outside: tuple[str, ...] = ()  # the external networks that it has joined

    @property
    def joined(self) -> tuple[str, ...]:
        return tuple(join.network for join in self.joins)


class Guard(NamedTuple):
    """A firewall of a shared network itself."""

    key: str
    name: str
    state: str
    outside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """A shared network, with the machines in it and its own firewalls."""

    key: str
    project: str
    tenant: str
    prefixes: tuple[str, ...]
    vrf: int | None
    machines: int = 0
    guards: tuple[Guard, ...] = ()
    used: int = 0  # IPv4 addresses that are used or kept back
    available: int = 0

    @property
    def nearly_full(self) -> bool:
        return self.available > 0 and self.used >= NEARLY_FULL * self.available


@dataclass(frozen=True, slots=True)
class Uses:
    """Firewalls of one partition, and its shared networks."""

    firewalls: tuple[Consumer, ...]
    services: tuple[Service, ...]

    @property
    def consumers(self) -> tuple[Consumer, ...]:
        return tuple(one for one in self.firewalls if one.joins)

    @property
    def joins(self) -> int:
        return sum(len(one.joins) for one in self.firewalls)

    @property
    def machines(self) -> int:
        """How many machines may use any of the shared networks, by address family."""
        return behind(one for one in self.firewalls if any(join.meets for join in one.joins))


def behind(consumers: Iterable[Consumer]) -> int:
    """How many machines are behind these; firewalls of one network have the same machines."""
    return sum({one.network: one.machines for one in consumers}.values())


def worst(states: Iterable[str]) -> str:
    """The worst of these states."""
    return min(states, key=SEVERITY.index)


def shape(state: str) -> str:
    """The shape that stands for it beside the word."""
    return SHAPES.get(state, NO_SHAPE)
