"""Which flows pass a firewall and how they are translated: the values of its nftables file.

The forward hook sees the VRF device as input and the SVI as output interface. A source is translated on its way out of the
SVI, a destination on its way in: first of the SVI, then of the VRF device, and the first rule that matches counts.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from firewalls.configuration.values import FAMILIES, Endpoint, Net, Rule, of_family, one_line, word
from networks.common.addressing import IP, Cidr, contains

LINK_LOCAL = "fe80::/64"
BGP, SSH, VXLAN, METRICS = 179, 22, 4789, (9100, 9630)


@dataclass(frozen=True, slots=True)
class Input:
    """Who may talk to the firewall itself, or (verdict) may not: one line of the input chain."""

    match: str
    comment: str
    verdict: str = "accept"


@dataclass(frozen=True, slots=True)
class Flow:
    """New connections that pass from one network to another; empty sources, destinations or ports mean any."""

    source: int
    target: int
    version: int
    sources: tuple[Cidr, ...]
    destinations: tuple[Cidr, ...]
    protocol: str
    ports: tuple[str, ...]
    comment: str
    origin: str = ""  # what it was addressed to before its destination was translated

    @property
    def keyword(self) -> str:
        return _keyword(self.version)

    @property
    def match(self) -> str:
        """The flow's addresses and ports as nftables matches them."""
        parts = [f"meta nfproto ipv{self.version}"]
        parts += [f"{self.keyword} saddr {_set(self.sources)}"] if self.sources else []
        parts += [f"{self.keyword} daddr {_set(self.destinations)}"] if self.destinations else []
        if self.ports:
            parts.append(f"{self.protocol} dport {_set(self.ports)}")
        elif self.protocol:
            parts.append(f"meta l4proto {self.protocol}")
        return " ".join([*parts, self.origin] if self.origin else parts)


@dataclass(frozen=True, slots=True)
class Translation:
    """Flows out of this network hide behind this address of the firewall."""

    target: int
    version: int
    sources: tuple[Cidr, ...]
    address: IP
    comment: str

    @property
    def match(self) -> str:
        """The hidden sources as nftables matches them."""
        return f"{self.keyword} saddr {_set(self.sources)}"

    @property
    def keyword(self) -> str:
        return _keyword(self.version)


@dataclass(frozen=True, slots=True)
class Forward:
    """What comes to this port of the firewall's address in a shared network goes to one machine behind it."""

    endpoint: Endpoint

    @property
    def match(self) -> str:
        """What is addressed to the endpoint, as nftables matches it."""
        where = _set(f'"{kind}{self.endpoint.vrf}"' for kind in ("vlan", "vrf"))
        return f"iifname {where} {self.keyword} daddr {self.endpoint.address} {self.endpoint.protocol} dport {self.endpoint.port}"

    @property
    def to(self) -> str:
        """The machine's address and port as nftables writes them."""
        target = self.endpoint.target
        return (
            f"{target}:{self.endpoint.target_port}"
            if target.version == 4
            else f"[{target}]:{self.endpoint.target_port}"
        )  # noqa: PLR2004

    @property
    def keyword(self) -> str:
        return _keyword(self.endpoint.address.version)

    @property
    def comment(self) -> str:
        return one_line(f"to {self.endpoint.machine}")


def inputs(
    primary: Net,
    shared: Iterable[Net],
    uplinks: Iterable[str],
    underlay: Iterable[Cidr],
    management: Iterable[Cidr],
) -> tuple[Input, ...]:
    """BGP and VXLAN from the fabric, SSH from the management prefixes only, metrics from the primary network."""
    return (
        *_fabric(tuple(uplinks), tuple(underlay)),
        *_management([primary, *shared], tuple(management)),
        _metrics(primary),
    )


def _fabric(uplinks: tuple[str, ...], underlay: tuple[Cidr, ...]) -> Iterator[Input]:
    names = _set(f'"{word(name)}"' for name in uplinks)
    if not uplinks:
        return
    yield Input(
        f"iifname {names} ip6 saddr {LINK_LOCAL} tcp dport {BGP}", "BGP unnumbered from the leaves"
    )
    for version in FAMILIES:
        if prefixes := of_family(underlay, version):
            yield Input(
                f"iifname {names} {_keyword(version)} saddr {_set(prefixes)} udp dport {VXLAN}",
                "VXLAN from the fabric",
            )


def _management(tenants: Iterable[Net], management: tuple[Cidr, ...]) -> Iterator[Input]:
    """Never from the primary or a shared network: there, every consumer's machines reach every firewall's address."""
    for net in sorted(tenants, key=lambda net: net.vrf):
        where = _set(f'"{kind}{net.vrf}"' for kind in ("vlan", "vrf"))
        yield Input(
            f"iifname {where} tcp dport {SSH}", f"no SSH from {one_line(net.id)}", "jump refuse"
        )
    for version in FAMILIES:
        if prefixes := of_family(management, version):
            match = f"{_keyword(version)} saddr {_set(prefixes)} tcp dport {SSH} ct state new"
            yield Input(match, "SSH from the management prefixes")


def _metrics(primary: Net) -> Input:
    return Input(
        f'iifname "vrf{primary.vrf}" tcp dport {_set(METRICS)} ct state new',
        "metrics from the primary network",
    )


def flows(
    primary: Net,
    shared: Sequence[Net],
    externals: Iterable[Net],
    rules: Iterable[Rule],
    endpoints: Iterable[Endpoint] = (),
) -> tuple[Flow, ...]:
    """What may be opened: primary to shared, shared to endpoints, primary to external by egress, external to primary by ingress rules."""
    egress = [rule for rule in rules if rule.direction == "egress"]
    ingress = [rule for rule in rules if rule.direction == "ingress"]
    published = list(endpoints)
    found = [
        flow
        for net in shared
        for flow in (*_to_shared(primary, net, egress), *_to_endpoints(primary, net, published))
    ]
    outward = [rule for rule in egress if not _concerns_only(rule, shared)]
    for net in externals:
        hidden = [
            version for version in net.families() if net.address(version) or not net.nat
        ]  # what cannot hide does not leave
        found += _by_rules(primary.vrf, net.vrf, outward, hidden)
        found += _by_rules(net.vrf, primary.vrf, ingress, net.families())
    return tuple(found)


def _concerns_only(rule: Rule, nets: Iterable[Net]) -> bool:
    """Whether all of a rule's destinations, and it has some, lie in these networks."""
    inside = [cidr for net in nets for cidr in net.prefixes]
    return bool(rule.destinations) and all(
        any(contains(outer, cidr) for outer in inside) for cidr in rule.destinations
    )


def _to_shared(primary: Net, shared: Net, egress: list[Rule]) -> Iterator[Flow]:
    """Everything, unless egress rules name destinations inside the shared network: then, in both families, what they let through."""
    narrowed = any(
        contains(outer, cidr)
        for rule in egress
        for cidr in rule.destinations
        for outer in shared.prefixes
    )
    for version in FAMILIES:
        inside, hidden = shared.of(version), primary.of(version)
        if not (inside and hidden and shared.address(version)):
            continue  # without an address of its own there it could hide nothing
        if not narrowed:
            yield Flow(
                primary.vrf,
                shared.vrf,
                version,
                hidden,
                inside,
                "",
                (),
                f"to {one_line(shared.id)}",
            )
        for rule in egress if narrowed else ():
            sources, reached = (
                of_family(_overlap(*pair), version)
                for pair in ((rule.sources, hidden), (rule.destinations, inside))
            )
            if sources and reached:
                yield Flow(
                    primary.vrf,
                    shared.vrf,
                    version,
                    sources,
                    reached,
                    rule.protocol,
                    _ports(rule),
                    _comment(rule),
                )


def _overlap(wanted: Iterable[Cidr], inside: Iterable[Cidr]) -> list[Cidr]:
    """The part of what a rule names that lies inside; nothing named means any."""
    named = list(wanted)
    if not named:
        return list(inside)
    narrow = [cidr for cidr in named for outer in inside if contains(outer, cidr)]
    return narrow + [cidr for cidr in inside for outer in named if contains(outer, cidr)]


def _to_endpoints(primary: Net, shared: Net, endpoints: Iterable[Endpoint]) -> Iterator[Flow]:
    """From anywhere in the shared network, and only what was addressed to the endpoint."""
    for forward in forwards([shared], endpoints):
        one, keyword = forward.endpoint, forward.keyword
        origin = f"ct status dnat ct original {keyword} daddr {one.address} ct original proto-dst {one.port}"
        target: tuple[Cidr, ...] = (ip_network(one.target),)
        yield Flow(
            shared.vrf,
            primary.vrf,
            one.address.version,
            shared.of(one.address.version),
            target,
            one.protocol,
            (str(one.target_port),),
            forward.comment,
            origin,
        )


def _by_rules(
    source: int, target: int, rules: Iterable[Rule], families: Iterable[int]
) -> Iterator[Flow]:
    for rule in rules:
        for version in families:
            sources, destinations = (
                of_family(rule.sources, version),
                of_family(rule.destinations, version),
            )
            if bool(rule.sources) == bool(sources) and bool(rule.destinations) == bool(
                destinations
            ):
                yield Flow(
                    source,
                    target,
                    version,
                    sources,
                    destinations,
                    rule.protocol,
                    _ports(rule),
                    _comment(rule),
                )


def translations(
    primary: Net, shared: Iterable[Net], externals: Iterable[Net]
) -> tuple[Translation, ...]:
    """A shared network always hides its consumers; an external one where `nat` says so. Public sources stay as they are."""
    hiding = [*shared, *(net for net in externals if net.nat)]
    return tuple(
        Translation(net.vrf, version, primary.of(version), address, f"hidden in {one_line(net.id)}")
        for net in hiding
        for version in FAMILIES
        if primary.of(version) and (address := net.address(version)) is not None
    )


def forwards(shared: Iterable[Net], endpoints: Iterable[Endpoint]) -> tuple[Forward, ...]:
    """The endpoints at the firewall's own addresses in these networks."""
    own = {(net.vrf, address) for net in shared for address in net.addresses}
    found = (
        one
        for one in endpoints
        if (one.vrf, one.address) in own and one.address.version == one.target.version
    )
    return tuple(
        Forward(one)
        for one in sorted(
            found,
            key=lambda one: (
                one.vrf,
                one.address.version,
                int(one.address),
                one.port,
                one.protocol,
            ),
        )
    )


def _comment(rule: Rule) -> str:
    return one_line(rule.comment) or rule.direction


def _ports(rule: Rule) -> tuple[str, ...]:
    """Ports and ranges, sorted and merged: nft refuses a set whose intervals overlap."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(_range(port) for port in rule.ports):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(str(first) if first == last else f"{first}-{last}" for first, last in merged)


def _range(port: str) -> tuple[int, int]:
    first, _, last = port.partition("-")
    return int(first), int(last or first)


def _keyword(version: int) -> str:
    return "ip" if version == 4 else "ip6"  # noqa: PLR2004


def _set(items: Iterable[object]) -> str:
    return "{ " + ", ".join(map(str, items)) + " }"
