"""Machines that are no firewalls: the list, and one of them."""

from collections.abc import Callable
from operator import attrgetter
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404

from machines.models import Machine, MachineQuerySet
from networks.common.htmx import page
from networks.common.lists import Filter, given_filters, listing, spreadsheet
from networks.models import ImportNote, Partition, Project

SORTS = {
    "name": "name",
    "partition": "partition",
    "project": "project",
    "network": "primary",
}
FILTERS: dict[str, Filter] = {
    "partition": lambda rows, value: rows.filter(partition=value),
    "project": lambda rows, value: rows.filter(project=value),
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


def machine_list(request: HttpRequest) -> HttpResponseBase:
    rows = Machine.objects.plain().select_related("primary").prefetch_related("addresses")
    if request.GET.get("format") == "csv":
        return _spreadsheet(request, rows)
    context = {
        "listing": listing(request, rows, FILTERS, SORTS),
        "partitions": Partition.objects.all(),
        "projects": Project.objects.all(),
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
