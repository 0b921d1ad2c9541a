"""Machines that are no firewalls: the list, one of them, and the HTTP proxy of a network's."""

from collections.abc import Callable
from operator import attrgetter
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from machines.forms import HttpProxyForm
from machines.models import HttpProxy, Machine, MachineQuerySet
from networks.common.htmx import page
from networks.common.lists import Filter, given_filters, listing, options, spreadsheet, tidy
from networks.models import ImportNote, Network, Partition, Project

SORTS = {
    "name": "name",
    "partition": "partition",
    "project": "project",
    "network": "primary",
}
FILTERS: dict[str, Filter] = {
    "partition": lambda rows, value: rows.filter(partition=value),
    "project": lambda rows, value: rows.filter(project__in=Project.objects.named(value)),
    "network": lambda rows, value: rows.filter(primary=value),
    "q": lambda rows, value: rows.matching(value),
}
SPREADSHEET: dict[str, Callable[[Machine], object]] = {
    "name": attrgetter("name"),
    "id": attrgetter("pk"),
    "partition": attrgetter("partition_id"),
    "project": attrgetter("project_id"),
    "network": attrgetter("primary_id"),
    "addresses": lambda machine: " ".join(map(str, machine.addresses.all())),
    "AS number": attrgetter("asn"),
}


@tidy
def machine_list(request: HttpRequest) -> HttpResponseBase:
    rows = Machine.objects.plain().select_related("primary").prefetch_related("addresses")
    if request.GET.get("format") == "csv":
        return _spreadsheet(request, rows)
    context = {
        "listing": listing(request, rows, FILTERS, SORTS),
        **options(request, partition=Partition.objects.all()),
    }
    return page(request, "machines/list.html", context)


def _spreadsheet(request: HttpRequest, rows: MachineQuerySet) -> HttpResponseBase:
    for name, value in given_filters(request, FILTERS).items():
        rows = FILTERS[name](rows, value)
    lines = ([cell(row) for cell in SPREADSHEET.values()] for row in rows)
    return spreadsheet("machines", list(SPREADSHEET), lines)


def machine_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What more there is to it comes from apps above, as parts."""
    rows = Machine.objects.plain().select_related("partition", "project", "primary")
    machine = get_object_or_404(rows.prefetch_related("addresses"), pk=pk)
    context = {"machine": machine, "import_notes": ImportNote.objects.about("machine", pk)}
    return page(request, "machines/detail.html", context)


def http_proxy(request: HttpRequest, pk: str) -> HttpResponse:
    """Where a network's machines reach an HTTP proxy; posted, that from now on."""
    _may(request, "machines.change_httpproxy")
    network = get_object_or_404(Network, pk=pk, kind=Network.Kind.PRIVATE)
    named = HttpProxy.objects.filter(network=network).first()
    form = HttpProxyForm(request.POST or None, instance=named or HttpProxy(network=network))
    if form.is_bound and form.is_valid():
        row = form.save()
        messages.success(request, f"Machines of {pk} use {row.host}:{row.port} as HTTP proxy.")
        return redirect("networks:detail", pk)
    context = {"network": network, "named": named, "form": form}
    status = 422 if form.errors else 200
    return page(request, "machines/http_proxy.html", context, status=status)


@require_POST
def forget_http_proxy(request: HttpRequest, pk: str) -> HttpResponse:
    """Name no proxy any more."""
    _may(request, "machines.delete_httpproxy")
    get_object_or_404(HttpProxy.objects.select_related("network"), network=pk).delete()
    messages.success(request, f"No HTTP proxy is named for {pk} any more.")
    return redirect("networks:detail", pk)


def _may(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied("Naming an HTTP proxy takes the role operator.")
