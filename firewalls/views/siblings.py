"""The firewalls that guard a network, in what they differ, and what its machines may use."""

from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from firewalls.configuration.plan import plan
from firewalls.intent.facts import facts
from firewalls.intent.siblings import Sibling
from firewalls.intent.siblings import siblings as siblings_of
from firewalls.models import Firewall
from firewalls.picture.lanes import Lane, lanes
from networks.common.htmx import page
from networks.models import Network


class Use(NamedTuple):
    """A network that the machines of another one may use, as far as is said, through a firewall."""

    network: str
    lane: Lane
    firewall: Firewall


def siblings(request: HttpRequest, pk: str) -> HttpResponse:
    """What each passes on for the network, which joining makes them alike, and what is used."""
    network = get_object_or_404(Network, pk=pk)
    together = siblings_of(network)
    context = {
        "network": network,
        "firewalls": together.firewalls,
        "differences": together.differences,
        "uses": _uses(together.firewalls),
    }
    return page(request, "firewalls/siblings.html", context, parts={"siblings"})


def _uses(guards: tuple[Sibling, ...]) -> list[Use]:
    """Shared networks first; read off what is wanted of each firewall."""
    known = facts([one.firewall.pk for one in guards])
    uses = [
        Use(lane.vrf.network, lane, one.firewall)
        for one in guards
        if one.firewall.pk in known
        for lane in lanes(plan(known[one.firewall.pk]))
    ]
    return sorted(uses, key=lambda use: (use.lane.vrf.role != "shared", use.network))
