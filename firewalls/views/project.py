"""A project: what it owns, and which shared networks its machines use, as whom."""

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from firewalls.models import Firewall
from firewalls.picture import loading
from firewalls.picture.choices import Choice
from firewalls.picture.values import Uses
from firewalls.views.drawn import around
from machines.models import Machine
from networks.common.htmx import page
from networks.common.lists import shelf
from networks.models import Network, Project

CONSUMERS = Count("attachments", filter=Q(shared=True), distinct=True)


def project(request: HttpRequest, pk: str) -> HttpResponse:
    """All of one project; as many queries for a large one as for a small one."""
    owner = get_object_or_404(Project, pk=pk)
    uses = loading.around(Firewall.objects.filter(machine__project=owner))
    machines = Machine.objects.plain().filter(project=owner).select_related("primary")
    machines = machines.prefetch_related("addresses").order_by("name", "pk")
    context = {
        "project": owner,
        "uses": uses,
        "used": sorted({name for one in uses.consumers for name in one.joined}),
        "in_sync": sum(one.state == "in_sync" for one in uses.firewalls),
        "networks": shelf(request, _networks(owner), "networks"),
        "shared": Network.objects.shared().filter(project=owner).count(),
        "firewalls": shelf(request, uses.firewalls, "firewalls"),
        "machines": shelf(request, machines, "machines"),
        **_drawing(owner, uses),
    }
    return page(request, "firewalls/project.html", context)


def _networks(owner: Project) -> QuerySet[Network]:
    """Those that it owns, the shared ones first, with what is in them and who has joined them."""
    return (
        Network.objects.filter(project=owner)
        .annotate(
            machine_count=Count("residents", filter=Q(residents__firewall=None), distinct=True),
            consumer_count=CONSUMERS,
        )
        .prefetch_related("prefixes")
        .order_by("-shared", "id")
    )


def _drawing(owner: Project, uses: Uses) -> dict[str, object]:
    """Its firewalls, with the networks that they live in or have joined; a bundle leads to them."""
    return around(reverse("firewalls:list"), uses, Choice(project=owner.pk))
