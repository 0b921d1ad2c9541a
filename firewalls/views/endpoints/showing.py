"""Endpoints: all of them, and those of a firewall, of a network, and of a machine, as parts."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404

from firewalls.models import Endpoint, EndpointQuerySet, Firewall
from machines.models import Machine
from networks.common.htmx import page
from networks.common.lists import PER_PAGE, Filter, given_filters, listing, spreadsheet
from networks.models import Network

SORTS = {
    "address": "address__address",
    "port": "port",
    "firewall": "address__machine__name",
    "network": "address__prefix__network",
    "machine": "machine__name",
    "purpose": "purpose",
}
FILTERS: dict[str, Filter] = {
    "partition": lambda rows, value: rows.filter(machine__partition=value),
    "network": lambda rows, value: rows.filter(address__prefix__network=value),
    "purpose": lambda rows, value: rows.filter(purpose=value),
    "protocol": lambda rows, value: rows.filter(protocol=value),
    "q": lambda rows, value: rows.matching(value),
}
SPREADSHEET: dict[str, Callable[[Endpoint], object]] = {
    "address": attrgetter("address.address"),
    "port": attrgetter("port"),
    "protocol": attrgetter("protocol"),
    "firewall": attrgetter("firewall.name"),
    "network": attrgetter("network.pk"),
    "machine": attrgetter("machine.name"),
    "target port": attrgetter("target_port"),
    "purpose": attrgetter("purpose"),
    "id": attrgetter("pk"),
}
MOST_SHOWN = 50


def endpoint_list(request: HttpRequest) -> HttpResponseBase:
    rows = Endpoint.objects.with_relations()
    if request.GET.get("format") == "csv":
        return _spreadsheet(request, rows)
    context = {
        "listing": listing(request, rows, FILTERS, SORTS),
        "purposes": Endpoint.Purpose.choices,
        "protocols": Endpoint.Protocol.values,
    }
    return page(request, "firewalls/endpoints/list.html", context)


def _spreadsheet(request: HttpRequest, rows: EndpointQuerySet) -> HttpResponseBase:
    for name, value in given_filters(request, FILTERS).items():
        rows = FILTERS[name](rows, value)
    lines = ([cell(row) for cell in SPREADSHEET.values()] for row in rows)
    return spreadsheet("endpoints", list(SPREADSHEET), lines)


def of_firewall(request: HttpRequest, pk: UUID) -> HttpResponse:
    firewall = get_object_or_404(Firewall.objects.select_related("machine"), pk=pk)
    rows = Endpoint.objects.of(firewall)
    return _part(request, rows, {"firewall": firewall, "whose": firewall.name})


def of_network(request: HttpRequest, pk: str) -> HttpResponse:
    network = get_object_or_404(Network, pk=pk, shared=True)
    rows = Endpoint.objects.filter(address__prefix__network=network)
    return _part(request, rows, {"network": network, "whose": pk})


def of_machine(request: HttpRequest, pk: UUID) -> HttpResponse:
    machine = get_object_or_404(Machine.objects.plain(), pk=pk)
    rows = Endpoint.objects.filter(machine=machine)
    return _part(request, rows, {"machine": machine, "whose": machine.name})


def _part(request: HttpRequest, rows: EndpointQuerySet, of: dict[str, Any]) -> HttpResponse:
    count = rows.count()
    context = {**of, "endpoints": rows.with_relations()[:MOST_SHOWN], "count": count}
    context["more"] = max(0, count - MOST_SHOWN)
    return page(request, "firewalls/endpoints/of.html", context, parts={"endpoints"})


def publish_in(request: HttpRequest, pk: str) -> HttpResponse:
    """The firewalls that have joined a network, to publish on one of them."""
    network = get_object_or_404(Network, pk=pk, shared=True)
    query = request.GET.get("q", "").replace("\0", "").strip()
    rows = Firewall.objects.with_relations().with_state().filter(attachments__network=network)
    rows = rows.filter(machine__name__icontains=query).order_by("machine__name", "pk")
    firewalls = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {"network": network, "firewalls": firewalls, "query": query}
    return page(request, "firewalls/endpoints/publish_in.html", context)
