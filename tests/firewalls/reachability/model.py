"""What domain.md says one firewall does, from what it has joined and its rules alone."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from tests.firewalls.reachability.walk import IP, Cidr, Parcel

Net = Any
Facts = Any
DEFAULT = 0


def inside(address: IP, prefixes: Iterable[Cidr]) -> bool:
    return any(address in prefix for prefix in prefixes)


def length(address: IP, prefixes: Iterable[Cidr]) -> int:
    return max((prefix.prefixlen for prefix in prefixes if address in prefix), default=-1)


def has(net: Net, version: int) -> bool:
    return any(prefix.version == version for prefix in net.prefixes)


def outward(net: Net, version: int) -> bool:
    return any(p.version == version and p.prefixlen == DEFAULT for p in net.destination_prefixes)


@dataclass(eq=False)
class FactsBox:
    """A firewall as its facts; `siblings` are the facts of all firewalls of its network."""

    facts: Facts
    siblings: list[Facts]

    def __post_init__(self) -> None:
        facts = self.facts
        self.home: str = facts.primary.id
        self.nets = {net.id: net for net in (facts.primary, *facts.shared, *facts.externals)}
        self.own: dict[IP, str] = {
            address: id for id, net in self.nets.items() for address in net.addresses
        }
        self.shared = {net.id for net in facts.shared}
        self.external = {net.id for net in facts.externals}

    def draws(self, address: IP) -> int:
        """Alike: by a default. Unlike: the default of outside, and what it has joined by itself."""
        version, routes = address.version, []
        joined = [net for net in self.facts.shared if has(net, version)]
        unlike = self._unlike(version)
        if joined and not unlike:
            routes.append(DEFAULT)
        for net in joined if unlike else ():
            routes.append(length(address, net.prefixes))
        for net in self.facts.externals:
            routes.append(length(address, (*net.destination_prefixes, *net.prefixes)))
        return max(routes, default=-1)

    def _unlike(self, version: int) -> bool:
        offers = {
            (
                frozenset(net.id for net in one.shared if has(net, version)),
                any(outward(net, version) for net in one.externals),
            )
            for one in self.siblings
        }
        return len(offers) > 1

    def forwards(self, network: str, parcel: Parcel) -> Parcel | None:
        """From the endpoint's own network, and from behind the firewall."""
        for one in self.facts.endpoints:
            meant = (one.address, one.port, one.protocol)
            if (parcel.destination, parcel.port, parcel.protocol) != meant:
                continue
            if network in (self.home, self.own[one.address]):
                addressed = (one.address, one.port)
                return replace(
                    parcel, destination=one.target, port=one.target_port, addressed=addressed
                )
        return None

    def leads(self, network: str, address: IP) -> str | None:
        """From P to what is joined, from all of these to P, and never between two of them."""
        if network != self.home:
            return self.home if inside(address, self.nets[self.home].prefixes) else None
        routes = {}
        for id, net in self.nets.items():
            reached = net.destination_prefixes if id in self.external else ()
            routes[id] = length(address, (*net.prefixes, *reached))
        best = max(routes, key=lambda id: routes[id])
        return best if routes[best] >= 0 else None

    def passes(self, network: str, target: str, parcel: Parcel) -> bool:
        if parcel.protocol == "tcp" and parcel.port == 179:
            return False
        if parcel.addressed:
            return self._passes_to_endpoint(network, target, parcel)
        if network == self.home and target in self.shared:
            return self._passes_to_shared(self.nets[target], parcel)
        if network == self.home and target in self.external:
            return self._passes_outside(self.nets[target], parcel)
        if network in self.external and target == self.home:
            return self._ruled("ingress", parcel)
        return False

    def _passes_to_endpoint(self, network: str, target: str, parcel: Parcel) -> bool:
        from_there = inside(parcel.source, self.nets[network].prefixes)
        version = parcel.destination.version
        hides = network != self.home or self._address(self.home, version) is not None
        return target == self.home and from_there and hides

    def _passes_to_shared(self, net: Net, parcel: Parcel) -> bool:
        """All, or what egress rules narrow it to once they name a part of it; always pings."""
        if self._address(net.id, parcel.source.version) is None:
            return False
        if not inside(parcel.source, self.nets[self.home].prefixes):
            return False
        rules = [rule for rule in self.facts.rules if rule.direction == "egress"]
        narrowed = any(
            part.version == whole.version and part.subnet_of(whole)
            for rule in rules
            for part in rule.destinations
            for whole in net.prefixes
        )
        return not narrowed or parcel.protocol == "icmp" or self._ruled("egress", parcel)

    def _passes_outside(self, net: Net, parcel: Parcel) -> bool:
        version = parcel.source.version
        if net.nat and self._address(net.id, version) is None:
            return False
        homes = (*self.nets[self.home].prefixes, *net.prefixes)
        lawful = inside(parcel.source, homes) and parcel.source not in net.addresses
        return lawful and self._ruled("egress", parcel)

    def _ruled(self, direction: str, parcel: Parcel) -> bool:
        return any(
            rule.direction == direction
            and rule.protocol == parcel.protocol
            and (not rule.sources or inside(parcel.source, rule.sources))
            and (not rule.destinations or inside(parcel.destination, rule.destinations))
            and (rule.protocol == "icmp" or any(_spans(one, parcel.port) for one in rule.ports))
            for rule in self.facts.rules
        )

    def shows(self, network: str, target: str, parcel: Parcel) -> IP:
        """P hides in what is shared, outside where nat is set, and from its own endpoints."""
        net = self.nets[target]
        hiding = target in self.shared or (target in self.external and net.nat)
        own_endpoint = target == self.home and parcel.addressed is not None
        if network != self.home or not (hiding or own_endpoint):
            return parcel.source
        if not inside(parcel.source, self.nets[self.home].prefixes):
            return parcel.source
        return self._address(target, parcel.source.version) or parcel.source

    def answers(self, network: str, parcel: Parcel) -> bool:
        if parcel.protocol == "icmp":
            return True
        if parcel.protocol != "tcp":
            return False
        if parcel.port in (9100, 9630):
            return network == self.home
        managed = inside(parcel.source, self.facts.management_prefixes)
        return parcel.port == 22 and managed and network in self.external

    def _address(self, network: str, version: int) -> IP | None:
        own = [one for one in self.nets[network].addresses if one.version == version]
        return min(own, key=int, default=None)


def _spans(text: str, port: int) -> bool:
    first, _, last = text.partition("-")
    return int(first) <= port <= int(last or first)
