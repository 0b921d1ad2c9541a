"""Prefixes that never overlap (R13), found by an address that they have."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from firewalls.configuration.values import FAMILIES
from networks.common.addressing import IP, Cidr, inner

T = TypeVar("T")


class Places(Generic[T]):
    """Prefixes, each with whose it is."""

    def __init__(self, prefixes: Iterable[tuple[Cidr, T]]) -> None:
        ordered = sorted(prefixes, key=lambda one: int(one[0].network_address))
        self._parts: dict[Cidr, list[tuple[Cidr, T]]] = {}
        self._places = {
            version: [one for one in ordered if one[0].version == version] for version in FAMILIES
        }
        self._begins = {
            version: [int(cidr.network_address) for cidr, _ in places]
            for version, places in self._places.items()
        }

    def at(self, address: IP) -> tuple[Cidr, T] | None:
        """The prefix that has an address, and whose it is; None where there is none."""
        place = bisect_right(self._begins[address.version], int(address)) - 1
        if place < 0:
            return None
        found = self._places[address.version][place]
        return found if address in found[0] else None

    def parts(self, cidr: Cidr) -> list[tuple[Cidr, T]]:
        """What this prefix has of each of them, with whose that is."""
        if cidr not in self._parts:  # many firewalls lead to the same few
            self._parts[cidr] = [(inner(one, cidr), owner) for one, owner in self.within(cidr)]
        return self._parts[cidr]

    def within(self, cidr: Cidr) -> Iterator[tuple[Cidr, T]]:
        """Every prefix that has addresses of this one, with whose it is."""
        begins = self._begins[cidr.version]
        first = max(bisect_right(begins, int(cidr.network_address)) - 1, 0)
        for prefix, owner in self._places[cidr.version][first:]:
            if int(prefix.network_address) > int(cidr.broadcast_address):
                return
            if prefix.overlaps(cidr):
                yield prefix, owner
