"""Whose machines have no way to the internet, in all networks at once.

What is joined and published decides it, as for one machine (`reachability.internet`): no plan is
needed. A constant number of queries, and those machines alone are counted that may have none.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef

from firewalls.configuration.routes.leaks import DEFAULT_ROUTES
from firewalls.configuration.values import FAMILIES
from firewalls.models import Attachment, Endpoint
from firewalls.reachability.internet import Access, Proxy, access_of
from machines.models import HttpProxy, Machine
from networks.models import Address, Network, Prefix

Versions = Mapping[str, set[int]]  # families by network


@dataclass(frozen=True, slots=True)
class Unconnected:
    """A private network, and how many of its machines have no way to the internet."""

    network: str
    partition: str
    shared: bool
    machines: int


def networks() -> list[Unconnected]:
    """Those with any such machine: shared networks first, then by the number of machines."""
    outward, proxied = _outward(), _proxied()
    counts: dict[tuple[str, str, bool], int] = defaultdict(int)
    for row in _machines(_not_all_lead_outside(outward, proxied)):
        network = row["primary"]
        versions = [version for version in FAMILIES if row[f"has{version}"]]
        access = access_of(versions, outward.get(network, ()), proxied.get(network, ()))
        if access is Access.NONE:
            counts[network, row["partition"], row["primary__shared"]] += row["number"]
    found = [Unconnected(*key, machines) for key, machines in counts.items()]
    return sorted(found, key=lambda one: (not one.shared, -one.machines, one.network))


def _outward() -> Versions:
    """In which families a firewall of the network has joined what leads outside."""
    outward: dict[str, set[int]] = defaultdict(set)
    external = Attachment.objects.filter(network__kind=Network.Kind.EXTERNAL).order_by()
    for version in FAMILIES:
        leading = external.filter(network__destination_prefixes__contains=[DEFAULT_ROUTES[version]])
        for home in leading.values_list("firewall__machine__primary", flat=True).distinct():
            outward[home].add(version)
    return outward


def _proxied() -> Versions:
    """In which families an HTTP proxy is named, or published in a network that it comes to."""
    there: dict[str, set[int]] = defaultdict(set)
    published = Endpoint.objects.filter(purpose=Endpoint.Purpose.HTTP_PROXY).order_by()
    places = published.values_list("address__prefix__network", "address__address__family")
    for network, version in places.distinct():
        there[network].add(version)
    proxied = defaultdict(set, {network: {*versions} for network, versions in there.items()})
    joined = Attachment.objects.filter(network__in=list(there)).order_by()
    for home, network in joined.values_list("firewall__machine__primary", "network").distinct():
        proxied[home] |= there[network]
    for named in HttpProxy.objects.order_by():
        proxied[named.network_id] |= {*Proxy(named.host, named.port).versions}
    return proxied


def _not_all_lead_outside(outward: Versions, proxied: Versions) -> list[str]:
    """Private networks with a family in which nothing leads outside."""
    rows = Prefix.objects.filter(network__kind=Network.Kind.PRIVATE).order_by()
    return sorted(
        {
            network
            for network, version in rows.values_list("network", "cidr__family").distinct()
            if version not in outward.get(network, ()) and version not in proxied.get(network, ())
        }
    )


def _machines(among: Iterable[str]) -> Iterable[Mapping[str, Any]]:
    """How many have addresses of which families, by network."""
    own = Address.objects.filter(machine=OuterRef("pk"))
    rows = Machine.objects.plain().filter(primary__in=among).order_by()
    rows = rows.annotate(
        has4=Exists(own.filter(address__family=4)), has6=Exists(own.filter(address__family=6))
    )
    families = ("has4", "has6")
    grouped = rows.values("primary", "partition", "primary__shared", *families)
    return grouped.annotate(number=Count("pk"))
