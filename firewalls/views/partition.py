"""A partition: who uses which shared network, as a map, a matrix or a table; and ego views."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse

from firewalls.models import Firewall, FirewallQuerySet
from firewalls.picture import choices, loading, services
from firewalls.picture.choices import Choice
from firewalls.picture.matrix import ORDERS
from firewalls.picture.values import SEVERITY, Uses
from firewalls.views.drawn import TABLE, around, download, drawn
from firewalls.views.triage import triage
from networks.common.htmx import page
from networks.common.lists import PER_PAGE, spreadsheet, tidy
from networks.models import Network, Partition

HEADER = (
    "shared network",
    "of project",
    "firewall",
    "state",
    "network behind it",
    "project",
    "tenant",
    "machines",
    "addresses there",
    "common address family",
)


@tidy
def partition(request: HttpRequest, pk: str) -> HttpResponseBase:
    """Who uses what in it; all that is chosen stands in the URL."""
    place = get_object_or_404(Partition, pk=pk)
    choice = choices.read(request.GET.dict(), tuple(request.GET.getlist("open")))
    everything = loading.uses(place)
    chosen = choices.chosen(everything, choice)
    wanted = request.GET.get("format")
    if wanted == "csv":
        return spreadsheet(f"{pk}-who-uses-what", HEADER, _joins(chosen))
    shown = drawn(place, chosen, choice)
    if wanted == "svg" and "map" in shown:
        named = {**shown, "partition": place}
        return download(f"{pk}-who-uses-what", "firewalls/picture/map.html", named)
    context = {
        "partition": place,
        "everything": everything,
        "uses": chosen,
        "choice": choice,
        "private": place.networks.filter(kind=Network.Kind.PRIVATE).count(),
        **_choosable(everything),
        **shown,
        **triage(may_push=request.user.has_perm("firewalls.add_push"), partition=pk),
        "paged": _paged(request, chosen, shown["view"]),
    }
    return page(request, "firewalls/partition.html", context)


def _choosable(everything: Uses) -> dict[str, Any]:
    """What can be chosen, and how far the firewalls are."""
    states = [one.state for one in everything.firewalls]
    return {
        "tenants": sorted({choices.tenant_key(one.tenant) for one in everything.consumers}),
        "projects": sorted({one.project for one in everything.consumers}),
        "states": [(state, states.count(state)) for state in SEVERITY if state in states],
        "orders": list(ORDERS),
        "in_sync": states.count("in_sync"),
    }


def _paged(request: HttpRequest, chosen: Uses, view: str) -> object:
    """A page of what stands under the picture: networks; or, in a table, who uses them."""
    rows = chosen.firewalls if view == TABLE else services.used(chosen)
    return Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))


def _joins(chosen: Uses) -> Iterator[tuple[object, ...]]:
    owners = {one.key: one.project for one in chosen.services}
    for one in chosen.firewalls:
        for join in one.joins:
            yield (
                join.network,
                owners[join.network],
                one.name,
                one.state,
                one.network,
                one.project,
                one.tenant,
                one.machines,
                " ".join(join.addresses),
                "yes" if join.meets else "no",
            )


def of_network(request: HttpRequest, pk: str) -> HttpResponse:
    """A private network in the middle: who uses it, through what, and what it uses itself."""
    network = get_object_or_404(Network.objects.select_related("partition"), pk=pk)
    among = Firewall.objects.all().in_network(pk)
    return _ego(
        request, network.partition, Choice(network=pk), among, {"network": network, "name": pk}
    )


def of_firewall(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A firewall in the middle."""
    rows = Firewall.objects.select_related("machine__partition")
    firewall = get_object_or_404(rows, pk=pk)
    among = Firewall.objects.filter(pk=pk)
    of = {"firewall": firewall, "name": firewall.name}
    return _ego(request, firewall.partition, Choice(firewall=str(pk)), among, of)


def _ego(
    request: HttpRequest,
    place: Partition | None,
    choice: Choice,
    among: FirewallQuerySet,
    of: dict[str, Any],
) -> HttpResponse:
    if place is None:
        return page(request, "firewalls/ego.html", of, parts={"ego"})
    here = reverse("firewalls:partition", args=[place.pk])
    uses = choices.chosen(loading.around(among), choice)
    context = {**of, "partition": place, **around(here, uses, choice)}
    return page(request, "firewalls/ego.html", context, parts={"ego"})
