"""The firewalls that use a network, with the machines behind each."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count

from firewalls.models import Firewall, FirewallQuerySet
from machines.models import Machine
from networks.common.addressing import IP
from networks.models import Address, Network, Prefix


class Bridge(NamedTuple):
    """A firewall with the network and the machines behind it."""

    firewall: Firewall
    machines: int
    addresses: tuple[IP, ...] = ()  # where it has joined: its own there
    versions: tuple[int, ...] = ()  # the address families that both networks have

    @property
    def hides_behind(self) -> tuple[IP, ...]:
        """What its machines are seen as where it has joined, if they are translated there."""
        return tuple(address for address in self.addresses if address.version in self.versions)

    @property
    def network(self) -> Network:
        return self.firewall.primary


def bridges(firewalls: Iterable[Firewall]) -> list[Bridge]:
    """The firewalls with the number of machines behind each, in one query."""
    rows = list(firewalls)
    counts = dict(
        Machine.objects.plain()
        .filter(primary__in={row.machine.primary_id for row in rows})
        .order_by()
        .values_list("primary")
        .annotate(machines=Count("id"))
    )
    return [Bridge(row, counts.get(row.machine.primary_id, 0)) for row in rows]


def consumers(network: Network) -> FirewallQuerySet:
    """The firewalls that joined the network, by name."""
    joined = Firewall.objects.with_relations().with_state().filter(attachments__network=network)
    return joined.order_by("machine__name", "pk")


def with_addresses(network: Network, joined: Iterable[Firewall]) -> list[Bridge]:
    """These firewalls, each with its addresses in the network, and as whom it is seen there.

    A constant number of queries for any number of them.
    """
    rows = with_versions(network, bridges(joined))
    addresses = _addresses_by_machine(network, [row.firewall.pk for row in rows])
    return [row._replace(addresses=tuple(addresses.get(row.firewall.pk, ()))) for row in rows]


def with_versions(network: Network, rows: Iterable[Bridge]) -> list[Bridge]:
    """These with the address families that they have in common with the network; one query."""
    known = list(rows)
    families = _families({network.pk, *(row.network.pk for row in known)})
    here = families[network.pk]
    return [row._replace(versions=tuple(sorted(here & families[row.network.pk]))) for row in known]


def common_families(one: Network, other: Network) -> tuple[int, ...]:
    """The address families that both have prefixes of: nothing flows between them in another."""
    families = _families({one.pk, other.pk})
    return tuple(sorted(families[one.pk] & families[other.pk]))


def _families(networks: Collection[str]) -> dict[str, set[int]]:
    """The address families of each."""
    families: dict[str, set[int]] = defaultdict(set)
    rows = Prefix.objects.filter(network__in=networks).order_by()
    for network, cidr in rows.values_list("network", "cidr"):
        families[network].add(cidr.version)
    return families


def _addresses_by_machine(
    network: Network, firewalls: Iterable[UUID]
) -> dict[UUID | None, list[IP]]:
    rows = Address.objects.filter(prefix__network=network, machine__in=firewalls)
    rows = rows.order_by("address")
    addresses: dict[UUID | None, list[IP]] = {}
    for machine, address in rows.values_list("machine", "address"):
        addresses.setdefault(machine, []).append(address)
    return addresses
