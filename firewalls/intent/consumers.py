"""The firewalls that use a network, with the machines behind each."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count

from firewalls.models import Firewall
from machines.models import Machine
from networks.common.addressing import IP
from networks.models import Address, Network


class Bridge(NamedTuple):
    """A firewall with the network and the machines behind it."""

    firewall: Firewall
    machines: int
    addresses: tuple[IP, ...] = ()  # where it has joined: what they hide behind there

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


def consumers(network: Network) -> list[Bridge]:
    """The firewalls that joined the network, each with its addresses there."""
    joined = Firewall.objects.with_relations().with_state().filter(attachments__network=network)
    addresses = _addresses_by_machine(network)
    return [
        bridge._replace(addresses=tuple(addresses.get(bridge.firewall.pk, ())))
        for bridge in bridges(joined)
    ]


def _addresses_by_machine(network: Network) -> dict[UUID | None, list[IP]]:
    rows = Address.objects.filter(prefix__network=network).order_by("address")
    addresses: dict[UUID | None, list[IP]] = {}
    for machine, address in rows.values_list("machine", "address"):
        addresses.setdefault(machine, []).append(address)
    return addresses
