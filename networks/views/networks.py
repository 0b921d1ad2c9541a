"""The list of networks, and one of them."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404

from networks.common.addressing import Cidr
from networks.common.htmx import page
from networks.common.lists import (
    Filter,
    given_filters,
    listing,
    options,
    shelf,
    spreadsheet,
    tidy,
)
from networks.models import (
    Address,
    Carried,
    ImportNote,
    Network,
    NetworkQuerySet,
    Partition,
    Project,
)
from networks.pools import free_blocks
from networks.usage import usage, usage_by_prefix

SORTS = {"id": "id", "kind": "kind", "partition": "partition", "project": "project", "vrf": "vrf"}
FILTERS: dict[str, Filter] = {
    "partition": lambda rows, value: rows.filter(partition=value),
    "project": lambda rows, value: rows.filter(project__in=Project.objects.named(value)),
    "kind": lambda rows, value: rows.filter(kind=value),
    "shared": lambda rows, value: rows.filter(shared=value == "yes"),
    "q": lambda rows, value: rows.matching(value),
}
MOST_KEPT_BACK = 200


@tidy
def network_list(request: HttpRequest) -> HttpResponseBase:
    rows = Network.objects.prefetch_related("prefixes")
    if request.GET.get("format") == "csv":
        return _spreadsheet(request, rows)
    shown = listing(request, rows, FILTERS, SORTS)
    context = {
        "listing": shown,
        "networks": _with_usage(shown.page.object_list),
        "kinds": Network.Kind.choices,
        **options(request, partition=Partition.objects.all()),
    }
    return page(request, "networks/list.html", context)


def _spreadsheet(request: HttpRequest, rows: NetworkQuerySet) -> HttpResponseBase:
    for name, value in given_filters(request, FILTERS).items():
        rows = FILTERS[name](rows, value)
    header = ("id", "name", "kind", "shared", "partition", "project", "vrf", "prefixes")
    return spreadsheet("networks", header, (_cells(network) for network in rows))


def _cells(network: Network) -> tuple[object, ...]:
    return (
        network.id,
        network.name,
        network.kind,
        network.shared,
        network.partition_id,
        network.project_id,
        network.vrf,
        network.prefixes_text,
    )


def _with_usage(networks: Iterable[Network]) -> list[dict[str, Any]]:
    """Each network with its usage by family, in two queries for all of them."""
    rows = list(networks)
    used = usage(rows)
    return [{"network": row, "usage": used[row.pk]} for row in rows]


def _free(network: Network) -> list[Cidr]:
    """What can still be carved from a super network, in two queries."""
    if network.kind != Network.Kind.SUPER:
        return []
    return free_blocks(list(network.prefixes.values_list("pk", flat=True)))


def network_detail(request: HttpRequest, pk: str) -> HttpResponse:
    network = get_object_or_404(
        Network.objects.select_related("partition", "project", "parent"), pk=pk
    )
    residents = (
        network.residents.select_related("project")
        .prefetch_related("addresses__prefix")
        .filter(firewall=None)
    )
    reserved = Address.objects.filter(prefix__network=network, machine=None).select_related(
        "project"
    )
    context = {
        "network": network,
        "prefixes": usage_by_prefix([network])[network.pk],
        "machines": shelf(request, residents.order_by("name", "pk"), "machines"),
        "free": _free(network),
        "reserved": shelf(request, reserved.order_by("address"), "reserved"),
        "kept_back": Carried.objects.left().filter(network=pk)[:MOST_KEPT_BACK],
        "import_notes": ImportNote.objects.about("network", pk),
        "children": shelf(request, network.children.order_by("id"), "carved"),
    }
    return page(request, "networks/detail.html", context)
