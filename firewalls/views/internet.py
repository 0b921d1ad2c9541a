"""How machines get to the internet: of one machine, of a network, and who has no way at all."""

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from firewalls.intent import internet, unconnected
from firewalls.reachability.internet import InternetAccess, proxy_settings
from networks.common.htmx import page
from networks.common.lists import PER_PAGE
from networks.models import Network


def of_machine(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A part of the machine's page."""
    machine = get_object_or_404(internet.MACHINES, pk=pk)
    back = reverse("machines:detail", args=[pk])
    of = {"machine": machine, "whose": machine.name, "lives_in": machine.primary_id, "back": back}
    return _page(request, internet.of_machine(machine), of)


def of_network(request: HttpRequest, pk: str) -> HttpResponse:
    """A part of the network's page: of whoever lives in it."""
    network = get_object_or_404(Network, pk=pk, kind=Network.Kind.PRIVATE)
    back = reverse("networks:detail", args=[pk])
    of = {"network": network, "whose": pk, "lives_in": pk, "back": back}
    return _page(request, internet.of_network(network), of)


def _page(request: HttpRequest, found: InternetAccess, of: dict[str, Any]) -> HttpResponse:
    proxy = found.proxy
    settings = proxy_settings(proxy.url, found.direct) if proxy else ()
    context = {**of, "found": found, "settings": settings}
    return page(request, "firewalls/internet.html", context, parts={"internet"})


def without(request: HttpRequest) -> HttpResponse:
    """Every network with machines that have no way to the internet."""
    rows = unconnected.networks()
    context = {
        "networks": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "machines": sum(one.machines for one in rows),
    }
    return page(request, "firewalls/without_internet.html", context)
