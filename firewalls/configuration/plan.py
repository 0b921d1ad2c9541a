"""What one firewall must do, as typed values: facts in, a finished plan out, which templates spell.

The semantics are those of the sharing proposal (MEP-5), and stricter where it is silent: a shared
network always hides its consumers, and every leak between a private and a shared network carries
no-export (RFC 1997).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from firewalls.configuration.filters import (
    Access,
    Flow,
    Origin,
    Path,
    PortForward,
    Translation,
    access,
    flows,
    origins,
    paths,
    port_forwards,
    translations,
)
from firewalls.configuration.offers import Offer, offer, unlike
from firewalls.configuration.routes import Vrf, vrfs
from firewalls.configuration.values import Endpoint, Net, Rule, interface, word
from networks.common.addressing import IP, Cidr
from networks.common.mtu import FABRIC_MTU, network_mtu

__all__ = ["Endpoint", "Facts", "Net", "Plan", "Rule", "plan"]

UNNAMED = "firewall"
LONGEST_NAME = 63  # RFC 1123: a label


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one firewall; `siblings` are the other firewalls of its primary network."""

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
    fabric_mtu: int = FABRIC_MTU
    siblings: tuple[Offer, ...] = ()

    @property
    def unlike(self) -> tuple[int, ...]:
        """The families in which it passes on something else than its siblings do."""
        return unlike([offer(self.primary, self.shared, self.externals), *self.siblings])


@dataclass(frozen=True, slots=True)
class Plan:
    """What its configuration says. All text that templates spell is one word, or fit for a comment.

    Servers are asked in the order given; everything else is sorted.
    """

    hostname: str
    asn: int
    router_id: IPv4Address
    mac: str
    uplinks: tuple[str, ...]
    vrfs: tuple[Vrf, ...]
    access: Access
    flows: tuple[Flow, ...]
    translations: tuple[Translation, ...]
    port_forwards: tuple[PortForward, ...]
    origins: tuple[Origin, ...]
    dns_servers: tuple[IP, ...]
    ntp_servers: tuple[str, ...]
    fabric_mtu: int
    mtu: int  # of the networks, whose packets the fabric carries in VXLAN

    @property
    def paths(self) -> tuple[Path, ...]:
        """The flows by the way that they take."""
        return paths(self.flows, self.translations, self.origins)


def plan(facts: Facts) -> Plan:
    """Everything that one firewall's configuration says; the order of the facts does not matter."""
    primary, shared, externals = facts.primary, _by_vrf(facts.shared), _by_vrf(facts.externals)
    forwards = port_forwards(primary, shared, facts.endpoints)
    return Plan(
        hostname=word(facts.hostname[:LONGEST_NAME]) or UNNAMED,
        asn=facts.asn,
        router_id=facts.router_id,
        mac=_mac(facts.router_id),
        uplinks=tuple(sorted({name for text in facts.uplinks if (name := interface(text))})),
        vrfs=vrfs(primary, shared, externals, facts.unlike),
        access=access(primary, shared, facts.underlay_prefixes, facts.management_prefixes),
        flows=flows(primary, shared, externals, facts.rules, forwards),
        translations=tuple(translations(primary, shared, externals, forwards)),
        port_forwards=forwards,
        origins=origins(primary, externals),
        dns_servers=facts.dns_servers,
        ntp_servers=tuple(_words(facts.ntp_servers)),
        fabric_mtu=facts.fabric_mtu,
        mtu=network_mtu(facts.fabric_mtu),
    )


def _by_vrf(nets: Iterable[Net]) -> tuple[Net, ...]:
    return tuple(sorted(nets, key=lambda net: net.vrf))


def _mac(router_id: IPv4Address) -> str:
    """The address of the firewall's bridges: locally administered, and no other firewall's.

    A firewall tells it with its EVPN routes (RFC 9135: the router's MAC). By themselves bridges get
    one that follows from the machine id, which a copied image has too.
    """
    return ":".join(f"{octet:02x}" for octet in (2, 0, *router_id.packed))


def _words(texts: Iterable[str]) -> list[str]:
    """As words of a configuration; those of which nothing is left are left out."""
    return [safe for text in texts if (safe := word(text))]
