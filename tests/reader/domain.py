"""What the domain says of one firewall, held against what a reader finds in its files. Nothing here knows how they were written.

See "What a firewall's configuration must do": routes, flows, translations, and who may talk to the firewall itself.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import islice
from typing import Any, TypeAlias, cast

from tests.reader import frr, nft
from tests.reader.frr import Route
from tests.reader.nft import IP, Packet

DEFAULT = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}
ELSEWHERE = {4: ip_address("192.0.2.201"), 6: ip_address("2001:db8:ffff::201")}
Net: TypeAlias = Any
Facts: TypeAlias = Any


def inside(prefixes: Iterable[Route], what: Route | IP) -> bool:
    """Whether an address or a route lies in one of the prefixes."""
    if isinstance(what, IPv4Address | IPv6Address):
        return any(what in prefix for prefix in prefixes)
    return any(prefix.version == what.version and what.subnet_of(prefix) for prefix in prefixes)  # type: ignore[arg-type]


def families(net: Net) -> set[int]:
    return {prefix.version for prefix in net.prefixes}


def reached(net: Net) -> set[int]:
    return families(net) | {prefix.version for prefix in net.destination_prefixes}


def own(net: Net, version: int) -> IP | None:
    return min((address for address in net.addresses if address.version == version), default=None)


@dataclass
class Held:
    """One firewall's files beside what is known of it; `strangers` are networks of the partition that it has not joined."""

    facts: Facts
    strangers: list[Net]
    files: dict[str, str]

    def __post_init__(self) -> None:
        self.routes, self.rules = (
            frr.read(self.files["/etc/frr/frr.conf"]),
            nft.read(self.files["/etc/nftables.conf"]),
        )
        self.primary, self.shared, self.externals = (
            self.facts.primary,
            list(self.facts.shared),
            list(self.facts.externals),
        )
        self.joined = [self.primary, *self.shared, *self.externals]
        self.egress = [rule for rule in self.facts.rules if rule.direction == "egress"]
        self.ingress = [rule for rule in self.facts.rules if rule.direction == "ingress"]

    def wrong(self) -> Iterator[str]:
        """One sentence per thing that is not as the domain says."""
        yield from self._vrfs()
        yield from self._imports()
        yield from self._flows()
        yield from self._endpoints()
        yield from self._input()

    def _vrfs(self) -> Iterator[str]:
        names = {f"vrf{net.vrf}": net.vrf for net in self.joined}
        if self.routes.vnis != names:
            yield f"VRFs are {self.routes.vnis}, not {names}"
        if self.routes.uplinks != set(self.facts.uplinks):
            yield f"uplinks are {self.routes.uplinks}"
        text = " ".join(self.files.values()).split()
        for net in self.strangers:
            if found := {str(prefix) for prefix in net.prefixes} & set(text):
                yield f"{found} of {net.id} appear, which it has not joined"
        told = {(f"vrf{net.vrf}", version) for net in self.joined for version in families(net)}
        if not told <= self.routes.advertised:
            yield f"{told - self.routes.advertised} are not advertised"
        primary = f"vrf{self.primary.vrf}"
        way_out = {
            (primary, version) for version in families(self.primary) if self._is_way_out(version)
        }
        if self.routes.originated != way_out:
            yield f"default routes are originated in {self.routes.originated}, not in {way_out}"

    def _is_way_out(self, version: int) -> bool:
        found = any(version in families(net) for net in self.shared)
        return found and not any(
            DEFAULT[version] in net.destination_prefixes for net in self.externals
        )

    def _imports(self) -> Iterator[str]:
        allowed = {
            (f"vrf{net.vrf}", f"vrf{self.primary.vrf}") for net in (*self.shared, *self.externals)
        }
        for (target_vrf, _), sources in self.routes.imports.items():
            for name in sources:
                if not {(target_vrf, name), (name, target_vrf)} & allowed:
                    yield f"{target_vrf} imports from {name}, where nothing is to be found"
        everything = [*self.joined, *self.strangers]
        samples = {
            route
            for net in everything
            for prefix in (*net.prefixes, *net.destination_prefixes)
            for route in _around(prefix)
        }
        samples |= {ip_network(address) for net in self.joined for address in net.addresses}
        samples |= {*DEFAULT.values(), *(ip_network(address) for address in ELSEWHERE.values())}
        for target in everything:
            for source in (net for net in everything if net is not target):
                for route in samples:
                    said = self.routes.imported(f"vrf{target.vrf}", f"vrf{source.vrf}", route)
                    wanted = self._import(target, source, route)
                    if said != wanted:
                        yield f"{target.id} imports {route} of {source.id} with {said}, not {wanted}"

    def _import(self, target: Net, source: Net, route: Route) -> frozenset[str] | None:
        version, unheard = route.version, frozenset({"no-export"})
        if {id(source), id(target)} in [{id(self.primary), id(net)} for net in self.shared]:
            both = version in families(target) and version in families(source)
            return unheard if both and inside(source.prefixes, route) else None
        if source in self.externals and target is self.primary:
            others = [
                prefix
                for prefix in (*source.destination_prefixes, *source.prefixes)
                if prefix.prefixlen > 0
            ]
            hidden = any(route == ip_network(address) for address in source.addresses)
            return (
                frozenset()
                if not hidden and (route in source.destination_prefixes or inside(others, route))
                else None
            )
        if target in self.externals and source is self.primary and version in reached(target):
            return (
                unheard
                if inside(source.prefixes, route)
                else frozenset()
                if inside(target.prefixes, route)
                else None
            )
        return None

    def _flows(self) -> Iterator[str]:
        everything = [*self.joined, *self.strangers]
        ports = self._ports()
        for source in everything:
            for target in (net for net in everything if net is not source):
                between = (
                    ports if self.primary in (source, target) else ports[::4]
                )  # where nothing passes, fewer will do
                for packet in self._packets(source, target, between):
                    yield from self._flow(source, target, packet)
                for packet in islice(self._packets(source, target, [("tcp", 81)]), 1):
                    for state, wanted in (("established", "accept"), ("invalid", "drop")):
                        if self.rules.verdict("forward", replace(packet, state=state)) != wanted:
                            yield f"{state} packets from {source.id} to {target.id} are not met with {wanted}"

    def _ports(self) -> list[tuple[str, int]]:
        edges = {
            (rule.protocol, int(port))
            for rule in self.facts.rules
            for spelled in rule.ports
            for port in spelled.split("-")
        }
        edges |= {(protocol, min(port + 1, 65535)) for protocol, port in edges}
        edges |= {
            (one.protocol, port)
            for one in self.facts.endpoints
            for port in (one.port, one.target_port)
        }
        return sorted(edges | {("tcp", 179), ("tcp", 81), ("udp", 81)})

    def _packets(self, source: Net, target: Net, ports: list[tuple[str, int]]) -> Iterator[Packet]:
        origins = [prefix[-2] for prefix in source.prefixes] + list(ELSEWHERE.values())
        origins += [cidr[1] for rule in self.facts.rules for cidr in rule.sources]
        goals = [
            prefix[-3]
            for prefix in (*target.prefixes, *target.destination_prefixes)
            if prefix.num_addresses > 2
        ]
        goals += [prefix[1] for prefix in target.prefixes] + [
            one.target for one in self.facts.endpoints
        ]
        goals += [
            cidr[1] if cidr.num_addresses > 1 else cidr[0]
            for rule in self.facts.rules
            for cidr in rule.destinations
        ]
        elsewhere = [net.prefixes for net in (*self.joined, *self.strangers) if net is not target]
        for src in origins:
            for dst in {goal for goal in goals if goal.version == src.version}:
                if dst != src and (
                    source in self.shared
                    or not any(inside(prefixes, dst) for prefixes in elsewhere)
                ):
                    for protocol, port in ports:
                        yield Packet(
                            src, dst, protocol, port, f"vrf{source.vrf}", f"vlan{target.vrf}"
                        )

    def _flow(self, source: Net, target: Net, packet: Packet) -> Iterator[str]:
        wanted = "accept" if self._passes(source, target, packet) else "drop"
        if self.rules.verdict("forward", packet) != wanted:
            yield f"{packet} from {source.id} to {target.id} is not met with {wanted}"
        if wanted == "accept":
            seen, hidden = self.rules.source(packet), self._hidden(source, target, packet)
            if seen != hidden:
                yield f"{packet} shows itself in {target.id} as {seen}, not {hidden}"

    def _passes(self, source: Net, target: Net, packet: Packet) -> bool:
        version = packet.dst.version
        if (packet.protocol, packet.port) == ("tcp", 179):
            return False
        if source is self.primary and target in self.shared:
            between = (
                inside(source.prefixes, packet.src)
                and inside(target.prefixes, packet.dst)
                and own(target, version) is not None
            )
            return between and (not self._narrowed(target) or _matched(self.egress, packet))
        if source is self.primary and target in self.externals:
            hides = not target.nat or own(target, version) is not None
            return version in reached(target) and hides and _matched(self.egress, packet)
        if source in self.externals and target is self.primary:
            return version in reached(source) and _matched(self.ingress, packet)
        return False

    def _narrowed(self, net: Net) -> bool:
        return any(inside(net.prefixes, cidr) for rule in self.egress for cidr in rule.destinations)

    def _hidden(self, source: Net, target: Net, packet: Packet) -> IP:
        hides = (
            source is self.primary
            and inside(source.prefixes, packet.src)
            and (target in self.shared or target.nat)
        )
        address = own(target, packet.src.version) if hides else None
        return address or packet.src

    def _endpoints(self) -> Iterator[str]:
        for one in self.facts.endpoints:
            for net in (*self.joined, *self.strangers):
                for origin in {
                    prefix[-2] for prefix in net.prefixes if prefix.version == one.address.version
                }:
                    yield from self._published(
                        one, net, Packet(origin, one.address, one.protocol, one.port)
                    )
                    other = "udp" if one.protocol == "tcp" else "tcp"
                    twin = any(
                        (e.address, e.port, e.protocol) == (one.address, one.port, other)
                        for e in self.facts.endpoints
                    )
                    if (
                        not twin
                        and self.rules.delivered(
                            Packet(origin, one.address, other, one.port), net.vrf
                        ).addressed
                    ):
                        yield f"{one} answers by {other} as well"

    def _published(self, one: Any, net: Net, packet: Packet) -> Iterator[str]:
        arrived = self.rules.delivered(packet, net.vrf)
        wanted = (
            replace(packet, dst=one.target, port=one.target_port, addressed=(one.address, one.port))
            if net.vrf == one.vrf
            else packet
        )
        if arrived != wanted:
            yield f"{packet} from {net.id} becomes {arrived}, not {wanted}"
            return
        forwarded = replace(arrived, iif=f"vrf{net.vrf}", oif=f"vlan{self.primary.vrf}")
        verdict = self.rules.verdict("forward", forwarded)
        passes = net.vrf == one.vrf and one.target_port != 179
        if net.vrf == one.vrf and (verdict == "accept") != passes:
            yield f"{forwarded} is met with {verdict}"
        if verdict == "accept" and self.rules.source(forwarded) != packet.src:
            yield f"{forwarded} is seen from {self.rules.source(forwarded)}"
        stranger = replace(forwarded, src=ELSEWHERE[packet.src.version])
        if net.vrf == one.vrf and self.rules.verdict("forward", stranger) != "drop":
            yield f"{stranger} from outside of {net.id} reaches an endpoint"

    def _input(self) -> Iterator[str]:
        tenants = {
            f"{kind}{net.vrf}" for net in (self.primary, *self.shared) for kind in ("vrf", "vlan")
        }
        devices = (
            {
                f"{kind}{net.vrf}"
                for net in (*self.joined, *self.strangers)
                for kind in ("vrf", "vlan")
            }
            | set(self.facts.uplinks)
            | {"eth9"}
        )
        managers = [prefix[1] for prefix in self.facts.management_prefixes]
        fabric = [prefix[5] for prefix in self.facts.underlay_prefixes]
        for device in devices:
            up = device in self.facts.uplinks
            cases = [(source, "tcp", 22, device not in tenants) for source in managers]
            cases += [
                (address, "tcp", 22, False)
                for address in ELSEWHERE.values()
                if not inside(self.facts.management_prefixes, address)
            ]
            cases += [
                (ip_address("fe80::1"), "tcp", 179, up),
                (ELSEWHERE[6], "tcp", 179, False),
                (ELSEWHERE[4], "tcp", 179, False),
            ]
            cases += [(source, "udp", 4789, up) for source in fabric] + [
                (ELSEWHERE[4], "udp", 4789, False)
            ]
            cases += [
                (ELSEWHERE[4], "tcp", 9100, device == f"vrf{self.primary.vrf}"),
                (ELSEWHERE[4], "tcp", 8000, False),
            ]
            for source, protocol, port, passes in cases:
                packet = Packet(source, ELSEWHERE[source.version], protocol, port, iif=device)
                if (self.rules.verdict("input", packet) == "accept") != passes:
                    yield f"the firewall itself meets {packet} with {self.rules.verdict('input', packet)}"


def _matched(rules: Iterable[Any], packet: Packet) -> bool:
    return any(
        rule.protocol == packet.protocol
        and any(
            int(text.split("-")[0]) <= packet.port <= int(text.split("-")[-1])
            for text in rule.ports
        )
        and (not rule.destinations or inside(rule.destinations, packet.dst))
        and (not rule.sources or inside(rule.sources, packet.src))
        for rule in rules
    )


def _around(prefix: Route) -> list[Route]:
    """The prefix, one inside, its last host, and the one around it."""
    deeper = (
        [ip_network((int(prefix[0]), prefix.prefixlen + 2))]
        if prefix.prefixlen <= prefix.max_prefixlen - 2
        else []
    )
    wider = [prefix.supernet()] if prefix.prefixlen > 1 else []
    return cast(list[Route], [prefix, ip_network(prefix[-1]), *deeper, *wider])
