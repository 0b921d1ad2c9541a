"""What one firewall must do, as plain values: facts in, a finished plan out. The templates only spell it.

The semantics are those of the sharing proposal (MEP-5) and stricter where it is silent: a shared network always hides its
consumers, and every leak between a private and a shared network carries no-export (RFC 1997).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from firewalls.configuration.filters import (
    Flow,
    Forward,
    Input,
    Translation,
    flows,
    forwards,
    inputs,
    translations,
)
from firewalls.configuration.routes import Vrf, vrfs
from firewalls.configuration.values import Endpoint, Net, Rule, word
from networks.common.addressing import IP, Cidr

__all__ = [
    "Endpoint",
    "Facts",
    "Flow",
    "Forward",
    "Input",
    "Net",
    "Plan",
    "Rule",
    "Translation",
    "Vrf",
    "plan",
]

FRR_VERSION = "8.4.4"
UNNAMED, LONGEST_NAME = "firewall", 63  # RFC 1123: a label


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
    endpoints: tuple[Endpoint, ...] = ()
    dns_servers: tuple[IP, ...] = ()
    ntp_servers: tuple[str, ...] = ()
    frr_version: str = FRR_VERSION


@dataclass(frozen=True, slots=True)
class Plan:
    """What its configuration says: routing tables and leaks, who may talk to the firewall, which flows pass, how they are translated.

    Servers are asked in the order given; everything else is sorted.
    """

    hostname: str
    asn: int
    router_id: IPv4Address
    frr_version: str
    uplinks: tuple[str, ...]
    vrfs: tuple[Vrf, ...]
    inputs: tuple[Input, ...]
    flows: tuple[Flow, ...]
    translations: tuple[Translation, ...]
    forwards: tuple[Forward, ...]
    dns_servers: tuple[IP, ...]
    ntp_servers: tuple[str, ...]


def plan(facts: Facts) -> Plan:
    """Decide everything about one firewall's configuration; the order of the facts does not matter."""
    shared, externals = _sorted(facts.shared), _sorted(facts.externals)
    uplinks = tuple(sorted({name for uplink in facts.uplinks if (name := word(uplink))}))
    return Plan(
        hostname=word(facts.hostname[:LONGEST_NAME]) or UNNAMED,
        asn=facts.asn,
        router_id=facts.router_id,
        frr_version=word(facts.frr_version),
        uplinks=uplinks,
        vrfs=vrfs(facts.primary, shared, externals),
        inputs=inputs(
            facts.primary, shared, uplinks, facts.underlay_prefixes, facts.management_prefixes
        ),
        flows=flows(facts.primary, shared, externals, facts.rules, facts.endpoints),
        translations=translations(facts.primary, shared, externals),
        forwards=forwards(shared, facts.endpoints),
        dns_servers=facts.dns_servers,
        ntp_servers=tuple(name for server in facts.ntp_servers if (name := word(server))),
    )


def _sorted(nets: Iterable[Net]) -> tuple[Net, ...]:
    return tuple(sorted(nets, key=lambda net: net.vrf))
