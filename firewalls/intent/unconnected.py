"""Whose machines have no way to the internet, in all networks at once.

What is joined and published decides it, as for one machine (`reachability.internet`): no plan is
needed. A constant number of queries, and those machines alone are counted that may have none.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, QuerySet

from firewalls.configuration.routes.leaks import DEFAULT_ROUTES
from firewalls.configuration.values import FAMILIES
from firewalls.models import Attachment, Endpoint
from firewalls.reachability.internet import Access, Proxy, access_of
from machines.models import HttpProxy, Machine
from networks.common.statements import Fixed
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
        access = access_of(row["versions"], outward.get(network, ()), proxied.get(network, ()))
        if access is Access.NONE:
            counts[network, row["partition"], row["primary__shared"]] += row["number"]
    found = [Unconnected(*key, machines) for key, machines in counts.items()]
    return sorted(found, key=lambda one: (not one.shared, -one.machines, one.network))


def _outward() -> Versions:
    """In which families a firewall of the network has joined what leads outside."""
    outward: dict[str, set[int]] = defaultdict(set)
    for version, leading in _LEADING.items():
        for (home,) in leading.rows():
            outward[home].add(version)
    return outward


def _leading(version: int) -> "QuerySet[Attachment, tuple[str]]":
    """The networks of firewalls that have joined one with a default route."""
    external = Attachment.objects.filter(network__kind=Network.Kind.EXTERNAL).order_by()
    leading = external.filter(network__destination_prefixes__contains=[DEFAULT_ROUTES[version]])
    return leading.values_list("firewall__machine__primary").distinct()


_LEADING = {version: Fixed(partial(_leading, version)) for version in FAMILIES}


@Fixed
def _families() -> "QuerySet[Prefix, tuple[str, int]]":
    """Of which families private networks have prefixes."""
    rows = Prefix.objects.filter(network__kind=Network.Kind.PRIVATE).order_by()
    return rows.values_list("network", "cidr__family").distinct()


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
    return sorted(
        {
            network
            for network, version in _families.rows()
            if version not in outward.get(network, ()) and version not in proxied.get(network, ())
        }
    )


def _machines(among: Iterable[str]) -> Iterable[Mapping[str, Any]]:
    """How many have addresses of which families, by network.

    An array of each, for which PostgreSQL looks at its own addresses: whether one exists it would
    look up among all there are.
    """
    own = Address.objects.filter(machine=OuterRef("pk")).order_by("address__family")
    rows = Machine.objects.plain().filter(primary__in=among).order_by()
    rows = rows.annotate(versions=ArraySubquery(own.values("address__family").distinct()))
    names = ("primary", "partition", "primary__shared")
    grouped = rows.values(*names, "versions")
    return grouped.annotate(number=Count("pk"))
