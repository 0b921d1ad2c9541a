"""Follows packets through a partition by brute force: every firewall at every choice, and back.

Written from domain.md. Of the product's code it shares none: what one firewall does is told by
whoever knows (`model` from the facts, `texts` from the rendered text).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Protocol

IP = IPv4Address | IPv6Address
Cidr = IPv4Network | IPv6Network
REACHED, LOST, UNKNOWN, DEPENDS = "reachable", "unreachable", "unknown", "ambiguous"


@dataclass(frozen=True)
class Place:
    """A network: whether it is outside, its prefixes, and what is reached through it."""

    id: str
    outside: bool
    prefixes: tuple[Cidr, ...]
    reached: tuple[Cidr, ...] = ()


@dataclass(frozen=True)
class Parcel:
    """What is sent; `addressed` is the endpoint that it was for, once it was forwarded."""

    source: IP
    destination: IP
    protocol: str
    port: int
    addressed: tuple[IP, int] | None = None


class Box(Protocol):
    """What one firewall does."""

    @property
    def home(self) -> str:
        """The network that it guards."""

    @property
    def own(self) -> Mapping[IP, str]:
        """Its addresses, each with the network."""

    def draws(self, address: IP) -> int:
        """How long the longest route is by which its network's machines find it; -1: none."""

    def forwards(self, network: str, parcel: Parcel) -> Parcel | None:
        """What becomes of a parcel to one of its endpoints; None where it is to none."""

    def leads(self, network: str, address: IP) -> str | None:
        """Into which network it leads what comes from one."""

    def passes(self, network: str, target: str, parcel: Parcel) -> bool: ...

    def shows(self, network: str, target: str, parcel: Parcel) -> IP:
        """As whom the other side sees the source."""

    def answers(self, network: str, parcel: Parcel) -> bool:
        """Whether it answers itself."""


@dataclass(frozen=True)
class World:
    """The networks of a partition and its firewalls."""

    places: Mapping[str, Place]
    boxes: Sequence[Box]

    def verdict(self, parcel: Parcel, network: str) -> str:
        """What comes of all ways that it may take."""
        ends = set(self._ends(parcel, network, ()))
        if len(ends) == 1:
            return ends.pop()
        return UNKNOWN if UNKNOWN in ends else DEPENDS

    def home_of(self, address: IP) -> Place | None:
        for place in self.places.values():
            if any(address in prefix for prefix in place.prefixes):
                return place
        return None

    def _ends(
        self, parcel: Parcel, network: str, passed: tuple[tuple[Box, str, Parcel], ...]
    ) -> list[str]:
        """How each way ends; `passed` are the firewalls, with where it came out, and how."""
        place = self.places[network]
        for box in self.boxes:
            if box.own.get(parcel.destination) == network:
                return self._at(box, parcel, network, passed)
        if place.outside:
            return [self._end_outside(parcel, place, passed)]
        if any(parcel.destination in prefix for prefix in place.prefixes):
            return [self._way_back(parcel, passed)]
        drawing = self._drawing(parcel.destination, network) if len(passed) < 4 else []
        ends = [end for box in drawing for end in self._at(box, parcel, network, passed)]
        return ends or [LOST]

    def _drawing(self, address: IP, network: str) -> list[Box]:
        here = [box for box in self.boxes if box.home == network]
        longest = max((box.draws(address) for box in here), default=-1)
        return [box for box in here if longest >= 0 and box.draws(address) == longest]

    def _at(
        self, box: Box, parcel: Parcel, network: str, passed: tuple[tuple[Box, str, Parcel], ...]
    ) -> list[str]:
        inward = box.forwards(network, parcel)
        if inward is None and parcel.destination in box.own:
            answered = box.answers(network, parcel)
            return [self._way_back(parcel, passed) if answered else LOST]
        inward = inward or parcel
        target = box.leads(network, inward.destination)
        home = self.home_of(inward.destination)
        astray = home is not None and not home.outside and home.id != target
        if target is None or astray or not box.passes(network, target, inward):
            return [LOST]
        shown = replace(inward, source=box.shows(network, target, inward), addressed=None)
        return self._ends(shown, target, (*passed, (box, target, shown)))

    def _end_outside(
        self, parcel: Parcel, place: Place, passed: tuple[tuple[Box, str, Parcel], ...]
    ) -> str:
        """Outside there is what is outside, and nothing private."""
        home = self.home_of(parcel.destination)
        if home is not None and not home.outside:
            return LOST
        if not passed:
            return self._let_in(parcel, place)
        back = self._way_back(parcel, passed)
        naming = [one for one in self.places.values() if _names(one, parcel.destination)]
        elsewhere = home is not None and home is not place
        if back == REACHED and (elsewhere or (home is None and naming and place not in naming)):
            return UNKNOWN
        return back

    def _let_in(self, parcel: Parcel, place: Place) -> str:
        """From outside, to an address that may live behind any firewall that is there."""
        if self.home_of(parcel.destination) is not place:
            return UNKNOWN
        there = [box for box in self.boxes if place.id in box.own.values()]
        lets_in = [box.passes(place.id, box.home, parcel) for box in there]
        return UNKNOWN if any(lets_in) or not there else LOST

    def _way_back(self, parcel: Parcel, passed: tuple[tuple[Box, str, Parcel], ...]) -> str:
        """Replies must come to each firewall that let the connection in, and to no other."""
        verdicts = {self._reply(*step) for step in passed}
        for worst in (LOST, UNKNOWN, DEPENDS):
            if worst in verdicts:
                return worst
        return REACHED

    def _reply(self, box: Box, network: str, shown: Parcel) -> str:
        if shown.source in box.own:
            return REACHED
        if self.places[network].outside:
            return UNKNOWN
        drawing = self._drawing(shown.source, network)
        if box not in drawing:
            return LOST
        return REACHED if drawing == [box] else DEPENDS


def _names(place: Place, address: IP) -> bool:
    return any(address in prefix for prefix in place.reached if prefix.prefixlen > 0)
