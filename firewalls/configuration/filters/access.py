"""Who may talk to the firewall itself."""

from collections.abc import Iterable
from dataclasses import dataclass

from firewalls.configuration.values import FAMILIES, Net, of_family, one_line
from networks.common.addressing import Cidr


@dataclass(frozen=True, slots=True)
class Sources:
    """Prefixes of one address family, sorted, none inside another."""

    version: int
    prefixes: tuple[Cidr, ...]


@dataclass(frozen=True, slots=True)
class Tenant:
    """A network with machines in it: the number of its VRF, and its id, fit for a comment."""

    vrf: int
    name: str


@dataclass(frozen=True, slots=True)
class Access:
    """VXLAN comes from the fabric, SSH from the management prefixes, metrics from one VRF.

    No SSH comes from a tenant, even if a management prefix contains its addresses: there, every
    consumer's machines reach every firewall's address.
    """

    fabric: tuple[Sources, ...]
    tenants: tuple[Tenant, ...]
    management: tuple[Sources, ...]
    metrics_from: int


def access(
    primary: Net, shared: Iterable[Net], underlay: tuple[Cidr, ...], management: tuple[Cidr, ...]
) -> Access:
    """Who may talk to the firewall of the primary network that has joined the shared ones."""
    tenants = sorted((primary, *shared), key=lambda net: net.vrf)
    return Access(
        fabric=by_family(underlay),
        tenants=tuple(Tenant(net.vrf, one_line(net.id)) for net in tenants),
        management=by_family(management),
        metrics_from=primary.vrf,
    )


def by_family(prefixes: tuple[Cidr, ...]) -> tuple[Sources, ...]:
    """Only the families that have prefixes."""
    families = (Sources(version, of_family(prefixes, version)) for version in FAMILIES)
    return tuple(sources for sources in families if sources.prefixes)
