"""Firewalls: the list, and all of one."""

from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404

from firewalls.configuration.plan import Plan, plan
from firewalls.intent.facts import facts
from firewalls.models import Attachment, Firewall
from machines.models import Machine
from networks.common.htmx import page
from networks.common.lists import Filter, given_filters, listing, spreadsheet
from networks.models import Address, Partition, Project

SORTS = {
    "name": "machine__name",
    "state": "state",
    "partition": "machine__partition",
    "project": "machine__project",
    "network": "machine__primary",
}
FILTERS: dict[str, Filter] = {
    "state": lambda rows, value: rows.filter(state=value),
    "partition": lambda rows, value: rows.filter(machine__partition=value),
    "project": lambda rows, value: rows.filter(machine__project=value),
    "network": lambda rows, value: rows.filter(attachments__network=value),
    "q": lambda rows, value: rows.filter(machine__name__icontains=value),
}
RECENT = 8


def firewall_list(request: HttpRequest) -> HttpResponseBase:
    rows: QuerySet[Firewall] = (
        Firewall.objects.with_relations().with_state().prefetch_related("attachments__network")
    )
    if request.GET.get("format") == "csv":
        return _spreadsheet(request, rows)
    counts = Firewall.objects.state_counts()
    context = {
        "listing": listing(request, rows, FILTERS, SORTS),
        "states": [(s, counts.get(s.value, 0)) for s in Firewall.State],
        "partitions": Partition.objects.all(),
        "projects": Project.objects.all(),
    }
    return page(request, "firewalls/list.html", context)


def _spreadsheet(request: HttpRequest, rows: QuerySet[Firewall]) -> HttpResponseBase:
    for name, value in given_filters(request, FILTERS).items():
        rows = FILTERS[name](rows, value)
    header = (
        "name",
        "id",
        "state",
        "partition",
        "project",
        "primary network",
        "AS number",
        "host",
        "port",
    )
    lines = (
        (
            r.name,
            r.pk,
            r.state,
            r.machine.partition_id,
            r.machine.project_id,
            r.machine.primary_id,
            r.machine.asn,
            r.host,
            r.port,
        )
        for r in rows
    )
    return spreadsheet("firewalls", header, lines)


def firewall_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    addresses = Prefetch(
        "machine__addresses", Address.objects.select_related("prefix__network").order_by("address")
    )
    rows = (
        Firewall.objects.with_relations()
        .with_state()
        .prefetch_related(
            addresses,
            Prefetch("attachments", Attachment.objects.select_related("network")),
            "rules",
        )
    )
    firewall = get_object_or_404(rows, pk=pk)
    found = facts([pk]).get(pk)
    context = {
        "firewall": firewall,
        "memberships": _memberships(firewall),
        **_planned(plan(found) if found else None),
        "pushes": firewall.pushes.select_related("revision")[:RECENT],
        "machines": Machine.objects.plain().filter(primary=firewall.primary).count(),
    }
    return page(request, "firewalls/detail.html", context)


def _planned(planned: Plan | None) -> dict[str, object]:
    """What its configuration will say, with the names of networks instead of their numbers."""
    if planned is None:
        return {"plan": None}
    names = {vrf.number: vrf.network for vrf in planned.vrfs}
    leaks = [(vrf.network, names[leak.source], leak) for vrf in planned.vrfs for leak in vrf.leaks]
    return {
        "plan": planned,
        "leaks": leaks,
        "hidden": [(names[hidden.target], hidden) for hidden in planned.translations],
    }


def _memberships(firewall: Firewall) -> list[dict[str, object]]:
    """Its networks, the primary first, each with its role and the firewall's addresses there."""
    networks = [
        (firewall.primary, "primary"),
        *((row.network, row.role) for row in firewall.attachments.all()),
    ]
    own = list(firewall.machine.addresses.all())
    return [
        {
            "network": network,
            "role": role,
            "addresses": [a for a in own if a.prefix.network_id == network.pk],
        }
        for network, role in networks
    ]
