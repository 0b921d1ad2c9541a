"""How machines get to the internet, as the database knows it.

Of one machine or network by its plans; of all of them by what is joined and published alone, which
decides which way it is. A constant number of queries each.
"""

from django.db.models import Q, QuerySet

from firewalls.intent.partitions import Around, load_around
from firewalls.intent.values import machine_value
from firewalls.models import Attachment, Endpoint
from firewalls.reachability import AnyOf, TheMachine
from firewalls.reachability.internet import InternetAccess, Proxy, internet_access
from machines.models import HttpProxy, Machine
from networks.models import Network

MOST_PROXIES = 20  # that are looked at for one network
MACHINES = Machine.objects.plain().prefetch_related("addresses__prefix")


def of_machine(machine: Machine) -> InternetAccess:
    """Of a machine that is no firewall."""
    return _answered(machine.primary_id, machine)


def of_network(network: Network) -> InternetAccess:
    """Of whoever lives in a private network."""
    return _answered(network.pk, None)


def _answered(network: str, machine: Machine | None) -> InternetAccess:
    published = list(_published(network))
    named = HttpProxy.objects.filter(network=network)
    proxies = [*map(_proxy, published), *(Proxy(one.host, one.port) for one in named)]
    machines = [one.machine for one in published] + ([machine] if machine else [])
    around = Around(
        networks={network},
        addresses={one.address for one in proxies if one.address is not None},
        machines={one.pk for one in machines},
    )
    partition = load_around(around).wanted
    those = TheMachine(machine_value(machine)) if machine else AnyOf(network)
    return internet_access(partition, those, proxies)


def _published(network: str) -> "QuerySet[Endpoint]":
    """HTTP proxies in the network, and in those that its firewalls have joined."""
    joined = Attachment.objects.filter(firewall__machine__primary=network).order_by()
    near = Q(address__prefix__network=network)
    near |= Q(address__prefix__network__in=joined.values("network"))
    rows = Endpoint.objects.filter(near, purpose=Endpoint.Purpose.HTTP_PROXY).with_relations()
    return rows.prefetch_related("machine__addresses__prefix")[:MOST_PROXIES]


def _proxy(row: Endpoint) -> Proxy:
    holder = row.address.machine
    assert holder is not None  # an endpoint is at a firewall's own address
    return Proxy(
        host=str(row.address.address),
        port=row.port,
        network=row.network.pk,
        firewall=str(holder.pk),
        name=holder.name,
        machine=machine_value(row.machine),
    )
