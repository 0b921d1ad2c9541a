"""Whose addresses machines behind a firewall may bear on their way outside."""

from collections.abc import Iterable
from dataclasses import dataclass

from firewalls.configuration.values import FAMILIES, Net, of_family
from networks.common.addressing import IP, Cidr


@dataclass(frozen=True, slots=True)
class Origin:
    """Sources of one family that are no forgery between two networks (their VRFs).

    The firewall's own addresses are none of a machine's, though they lie in these prefixes.
    """

    source: int
    target: int
    version: int
    prefixes: tuple[Cidr, ...]
    own: tuple[IP, ...]


def origins(primary: Net, externals: Iterable[Net]) -> tuple[Origin, ...]:
    """The primary network's prefixes, and public addresses of the external one that live there."""
    return tuple(
        Origin(primary.vrf, net.vrf, version, prefixes, _own(net, version))
        for net in externals
        for version in FAMILIES
        if (prefixes := lawful(primary, net, version))
    )


def lawful(primary: Net, external: Net, version: int) -> tuple[Cidr, ...]:
    """The prefixes that machines behind the firewall have addresses in."""
    return of_family((*primary.prefixes, *external.prefixes), version)


def _own(net: Net, version: int) -> tuple[IP, ...]:
    own = (address for address in net.addresses if address.version == version)
    return tuple(sorted(own, key=int))
