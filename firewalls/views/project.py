"""A project or a tenant: what it owns, and which shared networks its machines use, as whom."""

from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from firewalls.models import Firewall
from firewalls.picture import loading
from firewalls.picture.choices import Choice
from firewalls.views.drawn import around
from machines.models import Machine
from networks.common.htmx import page
from networks.common.lists import shelf
from networks.models import Network, Project

CONSUMERS = Count("attachments", filter=Q(shared=True), distinct=True)


def project(request: HttpRequest, pk: str) -> HttpResponse:
    """All of one project; as many queries for a large one as for a small one."""
    owner = get_object_or_404(Project, pk=pk)
    owned = _owned(request, Project.objects.filter(pk=pk), Choice(project=pk))
    return page(request, "firewalls/project.html", {"project": owner, **owned})


def tenant(request: HttpRequest, name: str) -> HttpResponse:
    """All of one tenant: its projects, and what is theirs."""
    projects = Project.objects.filter(tenant=name)
    if not name or not projects.exists():
        raise Http404(f"No project is of the tenant {name}.")
    context = {
        "tenant": name,
        "projects": shelf(request, _projects(projects), "projects"),
        **_owned(request, projects, Choice(tenant=name)),
    }
    return page(request, "firewalls/tenant.html", context)


def _projects(projects: QuerySet[Project]) -> QuerySet[Project]:
    """With how much each of them has."""
    return projects.annotate(
        network_count=Count("networks", distinct=True),
        shared_count=Count("networks", filter=Q(networks__shared=True), distinct=True),
        machine_count=Count("machines", filter=Q(machines__firewall=None), distinct=True),
        firewall_count=Count("machines", filter=Q(machines__firewall__isnull=False), distinct=True),
    ).order_by("id")


def _owned(request: HttpRequest, projects: QuerySet[Project], choice: Choice) -> dict[str, Any]:
    """What is of these projects, and a drawing of it, whose bundles lead to their firewalls."""
    uses = loading.around(Firewall.objects.filter(machine__project__in=projects))
    machines = Machine.objects.plain().filter(project__in=projects).select_related("primary")
    machines = machines.prefetch_related("addresses").order_by("name", "pk")
    return {
        "uses": uses,
        "used": sorted({name for one in uses.consumers for name in one.joined}),
        "in_sync": sum(one.state == "in_sync" for one in uses.firewalls),
        "networks": shelf(request, _networks(projects), "networks"),
        "shared": Network.objects.shared().filter(project__in=projects).count(),
        "firewalls": shelf(request, uses.firewalls, "firewalls"),
        "machines": shelf(request, machines, "machines"),
        **around(reverse("firewalls:list"), uses, choice),
    }


def _networks(projects: QuerySet[Project]) -> QuerySet[Network]:
    """Those that they own, the shared ones first, with what is in them and who has joined them."""
    return (
        Network.objects.filter(project__in=projects)
        .annotate(
            machine_count=Count("residents", filter=Q(residents__firewall=None), distinct=True),
            consumer_count=CONSUMERS,
        )
        .prefetch_related("prefixes")
        .order_by("-shared", "id")
    )
