"""The firewalls that guard a network, and in what they differ."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from firewalls.intent.siblings import siblings as siblings_of
from networks.common.htmx import page
from networks.models import Network


def siblings(request: HttpRequest, pk: str) -> HttpResponse:
    """What each passes on for the network, and which joining makes them alike."""
    network = get_object_or_404(Network, pk=pk)
    together = siblings_of(network)
    context = {
        "network": network,
        "firewalls": together.firewalls,
        "differences": together.differences,
    }
    return page(request, "firewalls/siblings.html", context, parts={"siblings"})
