"""What the domain demands of one firewall, beside what a reader finds in its files.

Nothing here knows how they were written. See "What a firewall's configuration must do": routes,
flows, translations, and who may talk to the firewall itself.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import islice
from typing import Any, TypeAlias

from tests.reader import frr, nft
from tests.reader.frr import Route
from tests.reader.nft import IP, Packet

DEFAULT = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}
ELSEWHERE = {4: ip_address("192.0.2.201"), 6: ip_address("2001:db8:ffff::201")}
NO_EXPORT = frozenset({"no-export"})
ANNOUNCED = frozenset[str]()
SAMPLE = 3  # one of so many packets is tried as one of a running flow too; it takes that long
PING = ("icmp", 0)
BGP, SSH, METRICS, VXLAN = ("tcp", 179), ("tcp", 22), ("tcp", 9100), ("udp", 4789)
Net: TypeAlias = Any
Facts: TypeAlias = Any
Endpoint: TypeAlias = Any
Rule: TypeAlias = Any


def inside(prefixes: Iterable[Route], what: Route | IP) -> bool:
    """Whether an address or a route lies in one of the prefixes."""
    if isinstance(what, IPv4Address | IPv6Address):
        return any(what in prefix for prefix in prefixes)
    alike: list[Any] = [prefix for prefix in prefixes if prefix.version == what.version]
    return any(what.subnet_of(prefix) for prefix in alike)


def families(net: Net) -> set[int]:
    """Those of its prefixes."""
    return {prefix.version for prefix in net.prefixes}


def reached_families(net: Net) -> set[int]:
    """Those of its prefixes, and of what is reached through it."""
    return families(net) | {prefix.version for prefix in net.destination_prefixes}


def own_address(net: Net, version: int) -> IP | None:
    """What sources hide behind: the firewall's lowest address in the network."""
    addresses = (address for address in net.addresses if address.version == version)
    return min(addresses, default=None)


@dataclass
class Comparison:
    """One firewall's files beside its facts.

    `strangers` are networks of the partition that it has not joined.
    """

    facts: Facts
    strangers: list[Net]
    files: dict[str, str]

    def __post_init__(self) -> None:
        self.routes = frr.read(self.files["/etc/frr/frr.conf"])
        self.rules = nft.read(self.files["/etc/nftables.conf"])
        self.primary = self.facts.primary
        self.shared = list(self.facts.shared)
        self.externals = list(self.facts.externals)
        self.joined = [self.primary, *self.shared, *self.externals]
        self.nets = [*self.joined, *self.strangers]
        self.egress = [rule for rule in self.facts.rules if rule.direction == "egress"]
        self.ingress = [rule for rule in self.facts.rules if rule.direction == "ingress"]

    def differences(self) -> Iterator[str]:
        """One sentence per thing that is not as the domain demands."""
        yield from self._vrfs()
        yield from self._default_routes()
        yield from self._import_sources()
        yield from self._imports()
        yield from self._flows()
        yield from self._endpoints()
        yield from self._input()
        yield from self._tracking()

    def _vrfs(self) -> Iterator[str]:
        vnis = {f"vrf{net.vrf}": net.vrf for net in self.joined}
        if self.routes.vnis != vnis:
            yield f"VRFs are {self.routes.vnis}, not {vnis}"
        if self.routes.uplinks != set(self.facts.uplinks):
            yield f"uplinks are {self.routes.uplinks}"
        words = set(" ".join(self.files.values()).split())
        for net in self.strangers:
            if spelled := words & set(map(str, net.prefixes)):
                yield f"{spelled} of {net.id} appear, which it has not joined"
        present = {(f"vrf{net.vrf}", version) for net in self.joined for version in families(net)}
        if missing := present - self.routes.advertised:
            yield f"{missing} are not advertised"

    def _default_routes(self) -> Iterator[str]:
        primary = f"vrf{self.primary.vrf}"
        expected = {(primary, DEFAULT[version]): "floating" for version in self._floating()}
        if self.routes.originated != expected:
            yield f"default routes of its own are {self.routes.originated}, not {expected}"
        if expected and primary not in self.routes.unchecked:
            yield "BGP originates a default route of its own only where the kernel has one"
        maps = self.routes.maps
        (own,) = maps["floating"]
        others, rest = maps[self.routes.incoming]
        own_yields = own.marks and own.ranks == {"local-preference": 50, "weight": 0}
        others_come_last = others.marks and others.ranks["local-preference"] < 50
        if not (own_yields and others_come_last and rest.permits and not rest.ranks):
            yield "a default route from outside does not come first, then an own one, then others'"

    def _floating(self) -> list[int]:
        """The families of the primary in which there is a shared network to be found by it."""
        return [
            version
            for version in families(self.primary)
            if any(version in families(net) for net in self.shared) and not self._differs(version)
        ]

    def _differs(self, version: int) -> bool:
        """Whether another firewall of the network leads elsewhere, so that each draws its own."""
        here = {net.id for net in self.shared if version in families(net)}
        outside = any(DEFAULT[version] in net.destination_prefixes for net in self.externals)
        return version in families(self.primary) and any(
            here != {network for family, network in one.shared if family == version}
            or outside != (version in one.outside)
            for one in self.facts.siblings
        )

    def _import_sources(self) -> Iterator[str]:
        primary = f"vrf{self.primary.vrf}"
        others = {f"vrf{net.vrf}" for net in (*self.shared, *self.externals)}
        for (target, _), sources in self.routes.imports.items():
            for source in sources:
                outward = target in others and source == primary
                inward = source in others and target == primary
                if not (outward or inward):
                    yield f"{target} imports from {source}, where nothing is to be found"

    def _imports(self) -> Iterator[str]:
        samples = self._sample_routes()
        for target in self.nets:
            for source in (net for net in self.nets if net is not target):
                for route in samples:
                    actual = self.routes.imported(f"vrf{target.vrf}", f"vrf{source.vrf}", route)
                    expected = self._import(target, source, route)
                    if actual != expected:
                        yield (
                            f"{target.id} imports {route} of {source.id} with {actual}, "
                            f"not {expected}"
                        )

    def _sample_routes(self) -> set[Route]:
        samples: set[Route] = {*DEFAULT.values(), *map(ip_network, ELSEWHERE.values())}
        for net in self.joined:
            samples.update(map(ip_network, net.addresses))
        for net in self.nets:
            for prefix in (*net.prefixes, *net.destination_prefixes):
                samples.update(_around(prefix))
        return samples

    def _import(self, target: Net, source: Net, route: Route) -> frozenset[str] | None:
        """The communities with which the target takes the route; None if it must not take it."""
        if source is self.primary and any(target is net for net in self.shared):
            return self._import_sharing(target, source, route)
        if target is self.primary and any(source is net for net in self.shared):
            return self._import_sharing(target, source, route)
        if target is self.primary and source in self.externals:
            return self._import_from_external(source, route)
        if source is self.primary and target in self.externals:
            return self._import_into_external(target, route)
        return None

    def _import_sharing(self, target: Net, source: Net, route: Route) -> frozenset[str] | None:
        both = route.version in families(target) & families(source)
        if not (both and inside(source.prefixes, route)):
            return None
        told = target is self.primary and self._differs(route.version)
        return ANNOUNCED if told else NO_EXPORT

    def _import_from_external(self, source: Net, route: Route) -> frozenset[str] | None:
        if route in map(ip_network, source.addresses):
            return None
        known = [*source.destination_prefixes, *source.prefixes]
        narrower = [prefix for prefix in known if prefix.prefixlen > 0]
        reached = route in source.destination_prefixes or inside(narrower, route)
        return ANNOUNCED if reached else None

    def _import_into_external(self, target: Net, route: Route) -> frozenset[str] | None:
        if route.version not in reached_families(target):
            return None
        if inside(self.primary.prefixes, route):
            return NO_EXPORT
        return ANNOUNCED if inside(target.prefixes, route) else None

    def _flows(self) -> Iterator[str]:
        services = self._services()
        for source in self.nets:
            for target in (net for net in self.nets if net is not source):
                # Where nothing passes, fewer will do.
                few = services if self.primary in (source, target) else services[::4]
                for number, packet in enumerate(self._packets(source, target, few)):
                    yield from self._flow(source, target, packet, running=number % SAMPLE == 0)
                yield from self._states(source, target)

    def _states(self, source: Net, target: Net) -> Iterator[str]:
        for packet in islice(self._packets(source, target, [("tcp", 81)]), 1):
            for state, expected in (("established", "accept"), ("invalid", "drop")):
                if self.rules.verdict("forward", replace(packet, state=state)) != expected:
                    yield (
                        f"{state} packets from {source.id} to {target.id} are not met "
                        f"with {expected}"
                    )

    def _services(self) -> list[tuple[str, int]]:
        """Protocols and ports at and just above the edges of what rules and endpoints name."""
        edges = {
            (rule.protocol, int(port))
            for rule in self.facts.rules
            for ports in rule.ports
            for port in ports.split("-")
        }
        edges |= {(protocol, min(port + 1, 65535)) for protocol, port in edges}
        for endpoint in self.facts.endpoints:
            edges |= {(endpoint.protocol, endpoint.port)}
            edges |= {(endpoint.protocol, endpoint.target_port)}
        return sorted(edges | {BGP, PING, ("tcp", 81), ("udp", 81)})

    def _packets(
        self, source: Net, target: Net, services: list[tuple[str, int]]
    ) -> Iterator[Packet]:
        destinations = self._destinations(target)
        elsewhere = [net.prefixes for net in self.nets if net is not target]
        public = (*target.addresses, *(prefix[-2] for prefix in target.prefixes))
        for src in (*self._sources(source), *public):
            for dst in {address for address in destinations if address.version == src.version}:
                if dst == src:
                    continue
                if source not in self.shared and any(
                    inside(prefixes, dst) for prefixes in elsewhere
                ):
                    continue  # it is no destination of the target's
                if not self._exists(source, target, src, dst):
                    continue
                for protocol, port in services:
                    devices = f"vrf{source.vrf}", f"bridge{target.vrf}"
                    in_family = "icmpv6" if protocol == "icmp" and dst.version == 6 else protocol
                    yield Packet(src, dst, in_family, port, *devices)

    def _exists(self, source: Net, target: Net, src: IP, dst: IP) -> bool:
        """Whether there is such a packet: outside and behind the firewall are such addresses."""
        if source is self.primary and target in self.externals:
            return inside((*target.prefixes, *target.destination_prefixes), dst)
        if source in self.externals and target is self.primary:
            comes_from_there = inside((*source.prefixes, *source.destination_prefixes), src)
            return comes_from_there and inside((*source.prefixes, *target.prefixes), dst)
        return True

    def _sources(self, net: Net) -> list[IP]:
        addresses = [prefix[-2] for prefix in net.prefixes]
        addresses += ELSEWHERE.values()
        addresses += [cidr[1] for rule in self.facts.rules for cidr in rule.sources]
        return addresses

    def _destinations(self, net: Net) -> list[IP]:
        known = (*net.prefixes, *net.destination_prefixes)
        addresses = [prefix[-3] for prefix in known if prefix.num_addresses > 2]
        addresses += [prefix[1] for prefix in net.prefixes]
        addresses += [endpoint.target for endpoint in self.facts.endpoints]
        named = [cidr for rule in self.facts.rules for cidr in rule.destinations]
        addresses += [cidr[1] if cidr.num_addresses > 1 else cidr[0] for cidr in named]
        return addresses

    def _flow(self, source: Net, target: Net, packet: Packet, *, running: bool) -> Iterator[str]:
        expected = "accept" if self._passes(source, target, packet) else "drop"
        if self.rules.verdict("forward", packet) != expected:
            yield f"{packet} from {source.id} to {target.id} is not met with {expected}"
        hidden = self._hidden(source, target, packet)
        if expected == "accept":
            shown = self.rules.source(packet)
            if shown != hidden:
                yield f"{packet} shows itself in {target.id} as {shown}, not {hidden}"
        if running:
            yield from self._running(replace(packet, shown=hidden), expected)

    def _running(self, packet: Packet, expected: str) -> Iterator[str]:
        """What was let in by a rule that is no more goes on where another one lets it in."""
        if (packet.protocol, packet.port) == BGP:
            return  # nothing of it can be running
        running = replace(packet, state="established", marked=False)
        reply = replace(running.reply(), iif=_vrf_of(packet.oif), oif=_svi_of(packet.iif))
        for one in (running, reply):
            if self.rules.verdict("forward", one) != expected:
                yield f"running flows are not met with {expected}: {one}"
            elsewhere = replace(one, shown=ELSEWHERE[packet.dst.version])
            if packet.shown == packet.src or expected == "drop":
                continue
            if self.rules.verdict("forward", elsewhere) != "drop":
                yield f"what is hidden behind another address goes on: {elsewhere}"

    def _passes(self, source: Net, target: Net, packet: Packet) -> bool:
        if (packet.protocol, packet.port) == BGP:
            return False
        if source is self.primary and target in self.shared:
            return self._passes_to_shared(target, packet)
        if source is self.primary and target in self.externals:
            return self._passes_to_external(target, packet)
        if source in self.externals and target is self.primary:
            comes_from_there = packet.dst.version in reached_families(source)
            return comes_from_there and _matched(self.ingress, packet)
        return False

    def _passes_to_shared(self, target: Net, packet: Packet) -> bool:
        if own_address(target, packet.dst.version) is None:
            return False
        if not inside(self.primary.prefixes, packet.src):
            return False
        if not inside(target.prefixes, packet.dst):
            return False
        pings = packet.protocol in ("icmp", "icmpv6")
        return pings or not self._is_narrowed(target) or _matched(self.egress, packet)

    def _passes_to_external(self, target: Net, packet: Packet) -> bool:
        version = packet.dst.version
        can_hide = not target.nat or own_address(target, version) is not None
        lawful = inside((*self.primary.prefixes, *target.prefixes), packet.src)
        if not lawful or packet.src in target.addresses:
            return False
        return version in reached_families(target) and can_hide and _matched(self.egress, packet)

    def _is_narrowed(self, net: Net) -> bool:
        named = [cidr for rule in self.egress for cidr in rule.destinations]
        return any(inside(net.prefixes, cidr) for cidr in named)

    def _hidden(self, source: Net, target: Net, packet: Packet) -> IP:
        """The source that the other side must see."""
        private = source is self.primary and inside(source.prefixes, packet.src)
        if not private or not (target in self.shared or target.nat):
            return packet.src
        return own_address(target, packet.src.version) or packet.src

    def _endpoints(self) -> Iterator[str]:
        for endpoint in self.facts.endpoints:
            address = endpoint.address
            for net in self.nets:
                for src in {p[-2] for p in net.prefixes if p.version == address.version}:
                    packet = Packet(src, address, endpoint.protocol, endpoint.port)
                    yield from self._published(endpoint, net, packet)
                    yield from self._other_protocol(endpoint, net, packet)

    def _other_protocol(self, endpoint: Endpoint, net: Net, packet: Packet) -> Iterator[str]:
        other = replace(packet, protocol="udp" if endpoint.protocol == "tcp" else "tcp")
        published = {(one.address, one.port, one.protocol) for one in self.facts.endpoints}
        if (other.dst, other.port, other.protocol) in published:
            return
        if self.rules.delivered(other, net.vrf).addressed:
            yield f"{endpoint} answers by {other.protocol} as well"

    def _published(self, endpoint: Endpoint, net: Net, packet: Packet) -> Iterator[str]:
        from_there = net.vrf == endpoint.vrf or net is self.primary
        arrived = self.rules.delivered(packet, net.vrf)
        expected = _translated(packet, endpoint) if from_there else packet
        if arrived != expected:
            yield f"{packet} from {net.id} becomes {arrived}, not {expected}"
            return
        forwarded = replace(arrived, iif=f"vrf{net.vrf}", oif=f"bridge{self.primary.vrf}")
        verdict = self.rules.verdict("forward", forwarded)
        passes = from_there and endpoint.target_port != BGP[1]
        if from_there and (verdict == "accept") != passes:
            yield f"{forwarded} is met with {verdict}"
        shown = packet.src
        if net is self.primary:
            shown = own_address(net, packet.src.version) or shown
        if verdict == "accept" and self.rules.source(forwarded) != shown:
            yield f"{forwarded} is seen from {self.rules.source(forwarded)}"
        stranger = replace(forwarded, src=ELSEWHERE[packet.src.version])
        if from_there and self.rules.verdict("forward", stranger) != "drop":
            yield f"{stranger} from outside of {net.id} reaches an endpoint"
        if passes:
            yield from self._running(replace(forwarded, shown=shown), "accept")
            moved = replace(forwarded, state="established", marked=False, dst=stranger.src)
            if self.rules.verdict("forward", moved) != "drop":
                yield f"{moved} goes on to where the endpoint led before"

    def _input(self) -> Iterator[str]:
        for device in self._devices():
            for source, (protocol, port), passes in self._attempts(device):
                packet = Packet(source, ELSEWHERE[source.version], protocol, port, iif=device)
                verdict = self.rules.verdict("input", packet)
                if (verdict == "accept") != passes:
                    yield f"the firewall itself meets {packet} with {verdict}"

    def _tracking(self) -> Iterator[str]:
        """The fabric's VXLAN is not tracked; what machines send to the same port is."""
        here = ELSEWHERE[4]
        for device in self._devices():
            packet = Packet(here, here, *VXLAN, iif=device, oif=device)
            for hook in ("prerouting", "output"):
                expected = device not in self.facts.uplinks
                if self.rules.tracked(hook, packet) != expected:
                    yield f"VXLAN of {device} is tracked in {hook}: {not expected}"

    def _devices(self) -> set[str]:
        devices = {f"{kind}{net.vrf}" for net in self.nets for kind in ("vrf", "bridge")}
        return devices | set(self.facts.uplinks) | {"eth9"}

    def _attempts(self, device: str) -> Iterator[tuple[IP, tuple[str, int], bool]]:
        """Who tries which service of the firewall through this device, and whether it must pass."""
        tenants = [self.primary, *self.shared]
        from_tenant = device in {
            f"{kind}{net.vrf}" for net in tenants for kind in ("vrf", "bridge")
        }
        from_fabric = device in self.facts.uplinks
        managers = self.facts.management_prefixes
        for prefix in managers:
            yield prefix[1], SSH, not from_tenant
        for address in ELSEWHERE.values():
            if not inside(managers, address):
                yield address, SSH, False
            yield address, BGP, False
        yield ip_address("fe80::1"), BGP, from_fabric
        for prefix in self.facts.underlay_prefixes:
            yield prefix[5], VXLAN, from_fabric
        yield ELSEWHERE[4], VXLAN, False
        yield ELSEWHERE[4], METRICS, device == f"vrf{self.primary.vrf}"
        yield ELSEWHERE[4], ("tcp", 8000), False


def _vrf_of(svi: str) -> str:
    return svi.replace("bridge", "vrf")


def _svi_of(vrf: str) -> str:
    return vrf.replace("vrf", "bridge")


def _translated(packet: Packet, endpoint: Endpoint) -> Packet:
    return replace(
        packet,
        dst=endpoint.target,
        port=endpoint.target_port,
        addressed=(endpoint.address, endpoint.port),
    )


def _matched(rules: Iterable[Rule], packet: Packet) -> bool:
    return any(_matches(rule, packet) for rule in rules)


def _matches(rule: Rule, packet: Packet) -> bool:
    if rule.protocol != packet.protocol.removesuffix("v6"):
        return False
    if rule.sources and not inside(rule.sources, packet.src):
        return False
    if rule.destinations and not inside(rule.destinations, packet.dst):
        return False
    if rule.protocol == "icmp":
        return True
    ranges = [(int(text.split("-")[0]), int(text.split("-")[-1])) for text in rule.ports]
    return any(first <= packet.port <= last for first, last in ranges)


def _around(prefix: Route) -> list[Route]:
    """The prefix, one inside, its last host, and the one around it."""
    routes: list[Route] = [prefix, ip_network(prefix[-1])]
    if prefix.prefixlen <= prefix.max_prefixlen - 2:
        routes.append(ip_network((int(prefix[0]), prefix.prefixlen + 2)))
    if prefix.prefixlen > 1:
        routes.append(prefix.supernet())
    return routes
