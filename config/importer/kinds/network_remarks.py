"""What is left out of networks or assumed of them, beside texts."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from config.importer.findings import Remark
from config.importer.kinds.network_types import CHILD_SHARED, NAMESPACED, NAT_TYPES
from networks.common.addressing import Cidr
from networks.common.violations import with_article
from networks.rules import PRIVATE


class Described(Protocol):
    """A network as a document describes it."""

    @property
    def kind(self) -> str: ...
    @property
    def says_its_kind(self) -> bool: ...
    @property
    def networktype(self) -> str: ...
    @property
    def parentnetworkid(self) -> str: ...
    @property
    def shared(self) -> bool | None: ...
    @property
    def vrf(self) -> int: ...
    @property
    def routed_vrf(self) -> int: ...
    @property
    def vrfshared(self) -> bool: ...
    @property
    def nat(self) -> bool | None: ...
    @property
    def nattype(self) -> str: ...
    @property
    def destinationprefixes(self) -> Sequence[Cidr] | None: ...
    @property
    def additionalAnnouncableCIDRs(self) -> Sequence[Cidr]: ...


def of_kind(network: Described) -> Iterator[Remark]:
    """What its kind has, has not, or is only assumed to be."""
    kind = network.kind
    if not network.says_its_kind:
        reason = "It says neither type nor parent, so it is taken for an external network."
        yield Remark("networktype", reason)
    if network.shared and kind != PRIVATE:
        reason = f"It is left out of {with_article(kind)} network: only a private one is shared"
        yield Remark("shared", f"{reason} (R1).")
    if network.networktype == CHILD_SHARED and network.shared is None:
        yield Remark("shared", "It is not given; the type says that the network is shared.")
    if kind == PRIVATE and not network.parentnetworkid:
        reason = "It is not given; the network is carved from the super network of its partition."
        yield Remark("parentnetworkid", reason)
    if network.networktype == NAMESPACED:
        reason = "Its children may overlap in metal-stack, each in a project's own namespace;"
        yield Remark("networktype", f"{reason} here no two prefixes do (R13).")
    if network.vrf and not network.routed_vrf:
        reason = f"{network.vrf} is left out: {with_article(kind)} network has no VRF"
        yield Remark("vrf", f"{reason} (R14).")
    if network.vrfshared:
        reason = "Other networks may have its VRF in metal-stack; here a VRF is one network's"
        yield Remark("vrfshared", f"{reason} (R14).")


def of_translation(network: Described) -> Iterator[Remark]:
    """What is translated on the way to it, where its ways lead, and what else is announced."""
    stated = NAT_TYPES.get(network.nattype)
    if network.nat is not None and network.nattype and network.nat is not stated:
        reason = f"{network.nattype[:60]!r} contradicts nat, which is {str(network.nat).lower()};"
        yield Remark("nattype", f"{reason} nat is what counts.")
    if network.kind == PRIVATE:
        yield from _of_dmz(network.destinationprefixes or ())
    if network.additionalAnnouncableCIDRs:
        ranges = ", ".join(map(str, network.additionalAnnouncableCIDRs))
        reason = f"Machines may announce {ranges} as well, for pods say. Firewalls here hide and"
        yield Remark("additionalAnnouncableCIDRs", f"{reason} lead to none of these addresses.")


def _of_dmz(destinations: Sequence[Cidr]) -> Iterator[Remark]:
    """MEP-6: a DMZ is a shared network that brings a default route to those that join it."""
    if any(cidr.prefixlen == 0 for cidr in destinations):
        reason = "It is a DMZ (MEP-6), which brings a default route. That is left out: firewalls"
        rest = "here never go out through a network that is shared."
        yield Remark("destinationprefixes", f"{reason} {rest}")
    elif destinations:
        reason = "They are left out: a private network leads to its own prefixes alone."
        yield Remark("destinationprefixes", reason)
