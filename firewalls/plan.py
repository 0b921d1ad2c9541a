"""What one firewall must do, as plain values: facts in, a finished plan out. The templates only spell it.

The semantics are those of the sharing proposal (MEP-5) and stricter where it is silent: a shared network always hides its
consumers, and every leak between a private and a shared network carries no-export (RFC 1997).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from firewalls.filters import Flow, Input, Translation, flows, inputs, translations
from firewalls.routes import Vrf, vrfs
from firewalls.values import Net, Rule, one_line
from networks.addressing import Cidr

__all__ = ["Facts", "Flow", "Input", "Net", "Plan", "Rule", "Translation", "Vrf", "plan"]

FRR_VERSION = "8.4.4"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one firewall."""

    hostname: str
    asn: int
    router_id: IPv4Address
    underlay_prefixes: tuple[Cidr, ...]
    uplinks: tuple[str, ...]
    primary: Net
    shared: tuple[Net, ...] = ()
    externals: tuple[Net, ...] = ()
    management_prefixes: tuple[Cidr, ...] = ()
    rules: tuple[Rule, ...] = ()
    frr_version: str = FRR_VERSION


@dataclass(frozen=True, slots=True)
class Plan:
    """What its configuration says: routing tables and leaks, who may talk to the firewall, which flows pass, how they are translated."""

    hostname: str
    asn: int
    router_id: IPv4Address
    frr_version: str
    uplinks: tuple[str, ...]
    vrfs: tuple[Vrf, ...]
    inputs: tuple[Input, ...]
    flows: tuple[Flow, ...]
    translations: tuple[Translation, ...]


def plan(facts: Facts) -> Plan:
    """Decide everything about one firewall's configuration; the order of the facts does not matter."""
    shared, externals = _sorted(facts.shared), _sorted(facts.externals)
    uplinks = tuple(sorted(facts.uplinks))
    return Plan(
        hostname=one_line(facts.hostname),
        asn=facts.asn,
        router_id=facts.router_id,
        frr_version=one_line(facts.frr_version),
        uplinks=uplinks,
        vrfs=vrfs(facts.primary, shared, externals),
        inputs=inputs(facts.primary, shared, uplinks, facts.underlay_prefixes, facts.management_prefixes),
        flows=flows(facts.primary, shared, externals, facts.rules),
        translations=translations(facts.primary, shared, externals),
    )


def _sorted(nets: Iterable[Net]) -> tuple[Net, ...]:
    return tuple(sorted(nets, key=lambda net: net.vrf))
