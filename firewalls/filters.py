"""Which flows pass a firewall and how they are translated: the values of its nftables file.

The forward hook sees the VRF device as input and the SVI as output interface; translation belongs on the SVI.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from firewalls.values import Net, Rule, of_family, one_line
from networks.addressing import IP, Cidr, contains

FAMILIES = (4, 6)
LINK_LOCAL = "fe80::/64"
BGP, SSH, VXLAN, METRICS = 179, 22, 4789, (9100, 9630)


@dataclass(frozen=True, slots=True)
class Input:
    """Who may talk to the firewall itself: one line of the input chain."""

    match: str
    comment: str


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
        return " ".join(parts)


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


def inputs(
    primary: Net, shared: Iterable[Net], uplinks: Iterable[str], underlay: Iterable[Cidr], management: Iterable[Cidr]
) -> tuple[Input, ...]:
    """BGP and VXLAN from the fabric, SSH from the management prefixes only, metrics from the primary network."""
    return (*_fabric(tuple(uplinks), tuple(underlay)), *_management(primary, shared, tuple(management)), _metrics(primary))


def _fabric(uplinks: tuple[str, ...], underlay: tuple[Cidr, ...]) -> Iterator[Input]:
    names = _set(f'"{name}"' for name in uplinks)
    yield Input(f"iifname {names} ip6 saddr {LINK_LOCAL} tcp dport {BGP}", "BGP unnumbered from the leaves")
    for version in FAMILIES:
        if prefixes := of_family(underlay, version):
            yield Input(f"iifname {names} {_keyword(version)} saddr {_set(prefixes)} udp dport {VXLAN}", "VXLAN from the fabric")


def _management(primary: Net, shared: Iterable[Net], management: tuple[Cidr, ...]) -> Iterator[Input]:
    """Never from the primary or a shared network: there, every consumer's machines reach every firewall's address."""
    tenants = sorted([primary.vrf, *(net.vrf for net in shared)])
    closed = _set(f'"{kind}{vrf}"' for kind in ("vrf", "vlan") for vrf in tenants)
    for version in FAMILIES:
        if prefixes := of_family(management, version):
            match = f"iifname != {closed} {_keyword(version)} saddr {_set(prefixes)} tcp dport {SSH} ct state new"
            yield Input(match, "SSH from the management prefixes")


def _metrics(primary: Net) -> Input:
    return Input(f'iifname "vrf{primary.vrf}" tcp dport {_set(METRICS)} ct state new', "metrics from the primary network")


def flows(primary: Net, shared: Iterable[Net], externals: Iterable[Net], rules: Iterable[Rule]) -> tuple[Flow, ...]:
    """What may be opened: primary to shared, primary to external by egress rules, external to primary by ingress rules."""
    egress = [rule for rule in rules if rule.direction == "egress"]
    ingress = [rule for rule in rules if rule.direction == "ingress"]
    found = [flow for net in shared for flow in _to_shared(primary, net, egress)]
    for net in externals:
        found += _by_rules(primary.vrf, net.vrf, egress, net.families())
        found += _by_rules(net.vrf, primary.vrf, ingress, net.families())
    return tuple(found)


def _to_shared(primary: Net, shared: Net, egress: list[Rule]) -> Iterator[Flow]:
    """Everything, unless egress rules name destinations inside the shared network: then what the rules let through."""
    for version in FAMILIES:
        inside, hidden = shared.of(version), primary.of(version)
        if not (inside and hidden and shared.address(version)):
            continue  # without an address of its own there it could hide nothing
        if not any(contains(outer, cidr) for rule in egress for cidr in rule.destinations for outer in inside):
            yield Flow(primary.vrf, shared.vrf, version, hidden, inside, "", (), f"to {one_line(shared.id)}")
            continue
        for rule in egress:
            if reached := _overlap(rule.destinations, inside):
                yield Flow(
                    primary.vrf, shared.vrf, version, hidden, of_family(reached, version), rule.protocol, _ports(rule), _comment(rule)
                )


def _overlap(wanted: Iterable[Cidr], inside: Iterable[Cidr]) -> list[Cidr]:
    """The part of the destinations that lies inside; no destinations mean any."""
    destinations = list(wanted)
    if not destinations:
        return list(inside)
    narrow = [cidr for cidr in destinations for outer in inside if contains(outer, cidr)]
    return narrow + [cidr for cidr in inside for outer in destinations if contains(outer, cidr)]


def _by_rules(source: int, target: int, rules: Iterable[Rule], families: Iterable[int]) -> Iterator[Flow]:
    for rule in rules:
        for version in families:
            sources, destinations = of_family(rule.sources, version), of_family(rule.destinations, version)
            if bool(rule.sources) == bool(sources) and bool(rule.destinations) == bool(destinations):
                yield Flow(source, target, version, sources, destinations, rule.protocol, _ports(rule), _comment(rule))


def translations(primary: Net, shared: Iterable[Net], externals: Iterable[Net]) -> tuple[Translation, ...]:
    """A shared network always hides its consumers; an external one where `nat` says so. Public sources stay as they are."""
    hiding = [*shared, *(net for net in externals if net.nat)]
    return tuple(
        Translation(net.vrf, version, primary.of(version), address, f"hidden in {one_line(net.id)}")
        for net in hiding
        for version in FAMILIES
        if primary.of(version) and (address := net.address(version)) is not None
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
