"""The networks of an allocation with their rows, and the addresses that it lists."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from config.importer.kinds import MachineDoc
from config.importer.kinds.machines import AllocatedNetwork
from config.importer.writing.known import Known
from config.importer.writing.refusing import refusal
from machines.allocation import Request
from machines.rules import Wanted
from networks.common.addressing import IP, Cidr, prefix_of, versions
from networks.models import Address, Network


@dataclass(frozen=True)
class UsedNetwork:
    """A network that a machine uses, with the addresses there that the document gives it."""

    row: Network
    ips: Sequence[IP]
    is_primary: bool
    cidrs: Sequence[Cidr]
    path: str
    picked: Sequence[IP] = ()

    @property
    def request(self) -> Request:
        return Request(self.row, auto=not self.addresses, primary=self.is_primary)

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.row, self.cidrs, not self.addresses, self.is_primary)

    @property
    def addresses(self) -> list[IP]:
        return [*self.ips, *self.picked]

    @property
    def missing(self) -> list[int]:
        """The families of the network of which the document gives no address."""
        families = {ip.version for ip in self.ips}
        return [version for version in versions(self.cidrs) if version not in families]

    def with_picked(self, ips: Sequence[IP]) -> "UsedNetwork":
        return replace(self, picked=ips)


def used_networks(doc: MachineDoc, known: Known) -> list[UsedNetwork]:
    """Raises ValidationError on the network or address of the allocation that is at fault."""
    return [
        _used(network, f"allocation.networks[{index}]", known)
        for index, network in enumerate(doc.networks)
    ]


def _used(network: AllocatedNetwork, path: str, known: Known) -> UsedNetwork:
    row = known.network(network.networkid, f"{path}.networkid")
    cidrs = [prefix.cidr for prefix in row.prefixes.all()]
    for ip in network.ips:
        if prefix_of(ip, cidrs) is None:
            prefixes = ", ".join(map(str, cidrs))
            reason = f"{ip} lies in no prefix of {row.pk} ({prefixes}) (R11)."
            raise refusal(f"{path}.ips", "outside_network", reason)
    return UsedNetwork(row, network.ips, network.is_primary, cidrs, path)


@contextmanager
def ephemeral_unless_reserved(ips: Sequence[IP]) -> Iterator[None]:
    """What an allocation lists was picked for it, unless it was reserved before (R16).

    The document of an address, which comes later, may still make it static.
    """
    addresses = Address.objects.filter(address__in=list(ips))
    reserved = list(addresses.values_list("pk", flat=True))
    yield
    for address in addresses.exclude(pk__in=reserved).exclude(kind=Address.Kind.EPHEMERAL):
        address.kind = Address.Kind.EPHEMERAL
        address.save()
