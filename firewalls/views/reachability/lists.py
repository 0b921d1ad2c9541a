"""Everything at once: who reaches a network, and what a machine reaches."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from firewalls.intent.partitions import (
    Around,
    Basis,
    Loaded,
    load_around,
    load_users,
)
from firewalls.intent.questions import is_unrouted
from firewalls.intent.values import machine_value
from firewalls.reachability import Partition
from firewalls.reachability.reaching import Reach, Service, reached, reaches
from firewalls.views.reachability.form import ServiceForm
from machines.models import Machine
from networks.common.htmx import page
from networks.common.lists import PER_PAGE
from networks.models import Network

MOST_UNREACHED = 50


class OfProject(NamedTuple):
    """A project's networks and machines among those that reach."""

    project: str
    networks: int
    machines: int


def reachable_from(request: HttpRequest, pk: str) -> HttpResponse:
    """Whose machines reach the network: by project, counted, and network by network."""
    network = get_object_or_404(Network.objects.select_related("partition"), pk=pk)
    form = ServiceForm(request.GET)
    context: dict[str, Any] = {"network": network, "form": form, "unrouted": is_unrouted(network)}
    if form.is_valid() and not context["unrouted"]:
        ran = form.basis_chosen is Basis.APPLIED
        side = _side(load_users(network.pk, ran=ran), form)
        found = list(reaches(side, network.pk, _service(form)))
        context |= _summed(request, found, [one.source for one in found])
    status = 422 if form.errors else 200
    return page(request, "reachability/reachable_from.html", context, status=status)


def reached_by(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The networks that a machine reaches, as which address, and which it does not."""
    rows = Machine.objects.plain().select_related("primary", "partition", "project")
    machine = get_object_or_404(rows.prefetch_related("addresses__prefix"), pk=pk)
    form = ServiceForm(request.GET)
    context: dict[str, Any] = {"machine": machine, "form": form}
    if form.is_valid():
        value = machine_value(machine)
        side = _side(load_around(Around(networks={value.network})), form)
        found = list(reached(side, value, _service(form)))
        context |= _summed(request, found, [one.target for one in found])
        context["unreached"] = _unreached(machine, {one.target.id for one in found})
    status = 422 if form.errors else 200
    return page(request, "reachability/reaches.html", context, status=status)


def _side(loaded: Loaded, form: ServiceForm) -> Partition:
    at = form.at_chosen
    return loaded.at(at) if at else loaded.on(form.basis_chosen)


def _service(form: ServiceForm) -> Service:
    return Service(form.protocol_chosen, form.cleaned_data["port"])


def _summed(
    request: HttpRequest, found: Sequence[Reach], networks: Iterable[Any]
) -> dict[str, object]:
    """A page of them, and the sums of all."""
    counted, machines = Counter[str](), Counter[str]()
    for network in networks:
        counted[network.project] += 1
        machines[network.project] += network.machines
    return {
        "found": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "machines": machines.total(),
        "projects": [OfProject(name, counted[name], machines[name]) for name in sorted(counted)],
    }


def _unreached(machine: Machine, found: set[str]) -> list[Network]:
    """The shared networks of its partition that it does not reach; each is asked for by itself."""
    shared = Network.objects.shared().filter(partition=machine.partition)
    return list(shared.exclude(pk__in=found).order_by("pk")[:MOST_UNREACHED])
