"""Which new connections the forward chains let pass, as the flows that our audit judges."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from itertools import permutations, product

from firewalls.configuration.filters import Flow, Ports
from firewalls.configuration.routes import Vrf
from firewalls.configuration.routes.leaks import DEFAULT_ROUTES
from firewalls.configuration.values import FAMILIES, ICMP
from networks.common.addressing import Cidr, contains, free_space
from tests.reader.metal_stack.matching import PING, Match, What
from tests.reader.metal_stack.nft import Chain, Rule, Rules

BGP = Match(What.PORT, ((179, 179),))
PINGS = {"icmp": 4, "icmpv6": 6}  # the family that each protocol is of
SVI = "vlan"


@dataclass(frozen=True)
class Way:
    """From one VRF into another, in one family: in by the VRF device, out by the SVI."""

    source: int
    target: int
    version: int


def ways(vrfs: Iterable[Vrf]) -> list[Way]:
    """Those between each two."""
    numbers = [vrf.number for vrf in vrfs]
    return [Way(*pair, version) for pair in permutations(numbers, 2) for version in FAMILIES]


def flows(rules: Rules, between: Iterable[Way]) -> tuple[Flow, ...]:
    """What all forward chains let pass. A line that no flow can express is in its account."""
    passed = [_opened(chain, rules, between) for chain in rules.called("forward", "filter")]
    return tuple(dict.fromkeys(reduce(_by_both, passed))) if passed else ()


def _opened(chain: Chain, rules: Rules, between: Iterable[Way]) -> list[Flow]:
    """What one chain lets pass, rule by rule as far as one that decides all the rest."""
    opened: list[Flow] = []
    for rule in chain.read:
        if rule.verdict == "accept":
            _name_narrower(rule)
            opened += [flow for way in between for flow in _flows(rule, way)]
        elif rule.verdict and not rules.refuses(rule):
            rule.line.not_judged("what the chain that it jumps to accepts counts as refused")
        elif rule.verdict and not rule.conditions:
            return opened
        elif rule.verdict and not (_opens_nothing(rule) or BGP in rule.conditions):
            rule.line.not_judged("what it refuses counts as passed where a later rule accepts it")
    if chain.policy == "accept":
        opened += [replace(_any(way), comment="policy accept") for way in between]
    return opened


def _name_narrower(rule: Rule) -> None:
    if any(one.what is What.SOURCE_PORT for one in rule.matches):
        rule.line.not_judged("it counts as if it named no port of the source")


def _any(way: Way) -> Flow:
    return Flow(way.source, way.target, way.version, (), ())


def _opens_nothing(rule: Rule) -> bool:
    """It is about what is open already, or about errors."""
    states = [one.values for one in rule.matches if one.what is What.STATE]
    kinds = [one.values for one in rule.matches if one.what is What.ICMP]
    return any("new" not in values for values in states) or any(
        PING not in values for values in kinds
    )


def _flows(rule: Rule, way: Way) -> Iterator[Flow]:
    """The flow that a rule lets pass on a way, if any does."""
    devices = {What.IIF: f"vrf{way.source}", What.OIF: f"{SVI}{way.target}"}
    flow = replace(_any(way), comment=rule.comment or rule.line.text)
    if _opens_nothing(rule):
        return
    for one in rule.matches:
        if one.what in devices and not one.names(devices[one.what]):
            return
        narrowed = _narrowed(flow, one)
        if narrowed is None:
            return
        flow = narrowed
    yield flow


def _narrowed(flow: Flow, one: Match) -> Flow | None:
    """What of a flow meets a condition; devices and states are judged apart."""
    if one.version not in (0, flow.version):
        return None
    match one.what:
        case What.SOURCE:
            sources = _left(flow.sources, one)
            return replace(flow, sources=sources) if sources else None
        case What.DESTINATION:
            destinations = _left(flow.destinations, one)
            return replace(flow, destinations=destinations) if destinations else None
        case What.PROTOCOL:
            (protocol,) = one.values
            pings = protocol in PINGS
            fits = PINGS.get(protocol, flow.version) == flow.version
            return replace(flow, protocol=ICMP if pings else protocol) if fits else None
        case What.PORT:
            return replace(flow, ports=tuple(Ports(*span) for span in one.values))
    return flow


def _left(cidrs: tuple[Cidr, ...], one: Match) -> tuple[Cidr, ...]:
    """What a condition leaves of these prefixes; none of them are any."""
    if one.negated:
        return tuple(free_space(cidrs or (DEFAULT_ROUTES[one.version],), one.values))
    return _common(cidrs, one.values)


def _by_both(some: Iterable[Flow], others: Iterable[Flow]) -> list[Flow]:
    """What passes two chains."""
    return [flow for one, other in product(some, others) for flow in _met(one, other)]


def _met(one: Flow, other: Flow) -> Iterator[Flow]:
    ends = (one.source, one.target, one.version) == (other.source, other.target, other.version)
    protocols = {one.protocol, other.protocol} - {""}
    sources = _common(one.sources, other.sources)
    destinations = _common(one.destinations, other.destinations)
    ports = _common_ports(one.ports, other.ports)
    named = one.sources and other.sources, one.destinations and other.destinations
    nothing = (named[0] and not sources) or (named[1] and not destinations)
    apart = nothing or (one.ports and other.ports and not ports)
    if ends and len(protocols) <= 1 and not apart:
        comment = f"{one.comment}; {other.comment}"
        protocol = next(iter(protocols), "")
        met = replace(one, sources=sources, destinations=destinations, comment=comment)
        yield replace(met, protocol=protocol, ports=ports)


def _common(some: tuple[Cidr, ...], others: tuple[Cidr, ...]) -> tuple[Cidr, ...]:
    """What lies in both; none of them are any."""
    if not (some and others):
        return some or others
    found = [one for one in some for other in others if contains(other, one)]
    found += [other for one in some for other in others if contains(one, other)]
    return tuple(dict.fromkeys(found))


def _common_ports(some: tuple[Ports, ...], others: tuple[Ports, ...]) -> tuple[Ports, ...]:
    if not (some and others):
        return some or others
    spans = ((max(a.first, b.first), min(a.last, b.last)) for a, b in product(some, others))
    return tuple(Ports(first, last) for first, last in spans if first <= last)
