"""Which new connections may pass from one network to another."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import ip_network

from firewalls.configuration.filters.origins import lawful
from firewalls.configuration.filters.translations import PortForward
from firewalls.configuration.values import (
    FAMILIES,
    ICMP,
    REMEMBERED,
    Net,
    Rule,
    of_family,
    one_line,
)
from networks.common.addressing import Cidr, contains


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports from the first to the last, both among them."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Flow:
    """New connections from one network to another, by their VRFs; what is empty means any.

    Where there is a port forward, the flow is only what was addressed to it.
    """

    source: int
    target: int
    version: int
    sources: tuple[Cidr, ...]
    destinations: tuple[Cidr, ...]
    protocol: str = ""
    ports: tuple[Ports, ...] = ()
    comment: str = ""
    port_forward: PortForward | None = None


def flows(
    primary: Net,
    shared: Sequence[Net],
    externals: Iterable[Net],
    rules: Iterable[Rule],
    port_forwards: Iterable[PortForward] = (),
) -> tuple[Flow, ...]:
    """What may be opened: from the primary network to shared ones, and from these to port forwards.

    Egress rules open the way from the primary to external networks, ingress rules the way back.
    """
    egress = [rule for rule in rules if rule.direction == "egress"]
    ingress = [rule for rule in rules if rule.direction == "ingress"]
    forwards = list(port_forwards)
    opened: list[Flow] = []
    for net in shared:
        opened += _to_shared(primary, net, egress)
        opened += _to_port_forwards(primary, net, forwards)
    outward = [rule for rule in egress if not _concerns_only(rule, shared)]
    for net in externals:
        opened += _to_external(outward, primary, net)
        opened += _from_external(ingress, net, primary)
    return tuple(opened)


def _concerns_only(rule: Rule, nets: Iterable[Net]) -> bool:
    """Whether all of a rule's destinations, and it has some, lie in these networks."""
    prefixes = [cidr for net in nets for cidr in net.prefixes]
    return bool(rule.destinations) and all(
        any(contains(outer, cidr) for outer in prefixes) for cidr in rule.destinations
    )


def _leaving_to(external: Net) -> list[int]:
    """The families in which anything leaves towards it: not where it must hide and cannot."""
    return [
        version
        for version in external.families()
        if external.address(version) is not None or not external.nat
    ]


def _to_shared(primary: Net, shared: Net, egress: Sequence[Rule]) -> Iterator[Flow]:
    """Everything, unless egress rules name destinations inside the shared network.

    Then it is, in both families, what they let through, and pings: a shared network answers them.
    """
    narrowing = any(_names_part_of(shared, rule) for rule in egress)
    for everything in _everything(primary, shared):
        if narrowing:
            yield from _narrowed(everything, egress)
            yield replace(everything, protocol=ICMP, comment=f"ping {one_line(shared.id)}")
        else:
            yield everything


def _names_part_of(net: Net, rule: Rule) -> bool:
    return any(contains(outer, cidr) for cidr in rule.destinations for outer in net.prefixes)


def _everything(primary: Net, shared: Net) -> Iterator[Flow]:
    """From all of the primary network to all of the shared one, in each family that both have."""
    for version in FAMILIES:
        sources = primary.prefixes_of(version)
        destinations = shared.prefixes_of(version)
        if not (sources and destinations) or shared.address(version) is None:
            continue  # without an address of the firewall's own there, nothing could hide
        yield Flow(
            source=primary.vrf,
            target=shared.vrf,
            version=version,
            sources=sources,
            destinations=destinations,
            comment=f"to {one_line(shared.id)}",
        )


def _narrowed(flow: Flow, rules: Iterable[Rule]) -> Iterator[Flow]:
    """The parts of a flow that the rules let through."""
    for rule in rules:
        sources = of_family(_overlap(rule.sources, flow.sources), flow.version)
        destinations = of_family(_overlap(rule.destinations, flow.destinations), flow.version)
        if sources and destinations:
            yield replace(
                flow,
                sources=sources,
                destinations=destinations,
                protocol=rule.protocol,
                ports=_merged(rule.ports),
                comment=_comment(rule),
            )


def _overlap(named: tuple[Cidr, ...], present: tuple[Cidr, ...]) -> tuple[Cidr, ...]:
    """What is both named by a rule and present; nothing named means any."""
    if not named:
        return present
    narrower = [cidr for cidr in named for outer in present if contains(outer, cidr)]
    wider = [cidr for cidr in present for outer in named if contains(outer, cidr)]
    return (*narrower, *wider)


def _to_port_forwards(
    primary: Net, shared: Net, port_forwards: Iterable[PortForward]
) -> Iterator[Flow]:
    """From the shared network and from behind the firewall, and only what was addressed to it."""
    for forward in port_forwards:
        if forward.source != shared.vrf:
            continue
        for net in (shared, primary):
            if net is primary and primary.address(forward.version) is None:
                continue  # a machine would be answered directly, and not know by whom
            yield Flow(
                source=net.vrf,
                target=primary.vrf,
                version=forward.version,
                sources=net.prefixes_of(forward.version),
                destinations=(ip_network(forward.target),),
                protocol=forward.protocol,
                ports=(Ports(forward.target_port, forward.target_port),),
                comment=forward.comment,
                port_forward=forward,
            )


def _to_external(rules: Iterable[Rule], primary: Net, external: Net) -> Iterator[Flow]:
    """What egress rules let through in each family in which something can leave."""
    for version in _leaving_to(external):
        here, there = lawful(primary, external, version), _reached(external, version)
        yield from _by_rules(rules, Flow(primary.vrf, external.vrf, version, here, there))


def _from_external(rules: Iterable[Rule], external: Net, primary: Net) -> Iterator[Flow]:
    for version in external.families():
        here, there = lawful(primary, external, version), _reached(external, version)
        yield from _by_rules(rules, Flow(external.vrf, primary.vrf, version, there, here))


def _reached(external: Net, version: int) -> tuple[Cidr, ...]:
    return of_family((*external.destination_prefixes, *external.prefixes), version)


def _by_rules(rules: Iterable[Rule], anything: Flow) -> Iterator[Flow]:
    """What rules let through as they say it, without sources and destinations that are not there.

    A rule of which nothing is left lets nothing through.
    """
    for rule in rules if anything.sources and anything.destinations else ():
        sources = _meeting(rule.sources, anything.sources)
        destinations = _meeting(rule.destinations, anything.destinations)
        if bool(rule.sources) > bool(sources) or bool(rule.destinations) > bool(destinations):
            continue
        yield replace(
            anything,
            sources=sources,
            destinations=destinations,
            protocol=rule.protocol,
            ports=_merged(rule.ports),
            comment=_comment(rule),
        )


@lru_cache(REMEMBERED)
def _meeting(named: tuple[Cidr, ...], present: tuple[Cidr, ...]) -> tuple[Cidr, ...]:
    """Those named that have anything in common with what is present, which is of one family."""
    return tuple(
        cidr
        for cidr in of_family(named, present[0].version)
        if any(contains(cidr, other) or contains(other, cidr) for other in present)
    )


def _comment(rule: Rule) -> str:
    return one_line(rule.comment) or rule.direction


@lru_cache(REMEMBERED)
def _merged(ports: tuple[str, ...]) -> tuple[Ports, ...]:
    """Ports and ranges, sorted, none touching another: nft refuses overlapping intervals."""
    merged: list[Ports] = []
    for first, last in sorted(map(_range, ports)):
        if merged and first <= merged[-1].last + 1:
            merged[-1] = Ports(merged[-1].first, max(merged[-1].last, last))
        else:
            merged.append(Ports(first, last))
    return tuple(merged)


def _range(port: str) -> tuple[int, int]:
    first, _, last = port.partition("-")
    return int(first), int(last or first)
