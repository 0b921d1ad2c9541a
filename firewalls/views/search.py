"""The search over all: networks, firewalls, machines, addresses, projects and partitions."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse

from firewalls.models import Firewall
from machines.models import Machine, MachineQuerySet
from networks.common import finding
from networks.common.htmx import page
from networks.models import Address, Carried, Network, Partition, Project

MOST = 20  # of each kind


@dataclass(frozen=True)
class Found:
    """The first rows of one kind, and how many match."""

    rows: list[Any]
    total: int

    @property
    def more(self) -> int:
        return self.total - len(self.rows)


def search(request: HttpRequest) -> HttpResponse:
    """What the text may mean, of each kind the first ones."""
    text = request.GET.get("q", "").replace("\0", "").strip()
    results = _results(text) if text else {}
    context = {"text": text, "anything": any(found.total for found in results.values())}
    return page(request, "firewalls/search.html", {**context, **results})


def _results(text: str) -> dict[str, Found]:
    machines = Machine.objects.matching(text)
    projects = Project.objects.matching(text)
    partitions = Partition.objects.filter(finding.words(text, ("id", "name")))
    plain = Count("pk", filter=Q(firewall=None))
    totals = machines.order_by().aggregate(all=Count("pk"), plain=plain)
    named = machines.plain().select_related("primary")
    return {
        "networks": _found(_exact_first(Network.objects.matching(text), text, "id")),
        "firewalls": Found(_firewalls(machines, text), totals["all"] - totals["plain"]),
        "machines": Found(_first(_exact_first(named, text, "name")), totals["plain"]),
        "projects": _found(_exact_first(projects, text, "id")),
        "tenants": _found(_tenants(text)),
        "partitions": _found(_exact_first(partitions, text, "id")),
        **_addresses(text),
    }


def _tenants(text: str) -> "QuerySet[Any, Any]":
    """Those that are called like that, with how many projects they have."""
    named = Project.objects.filter(finding.words(text, ("tenant",))).exclude(tenant="")
    return named.values("tenant").annotate(projects=Count("pk")).order_by("tenant")


def _firewalls(machines: MachineQuerySet, text: str) -> list[Firewall]:
    """Which ones first: a state takes several queries' work, and only these are shown with one."""
    guards = _exact_first(machines.filter(firewall__isnull=False), text, "name")
    pks = list(guards.values_list("pk", flat=True)[:MOST])
    rows = Firewall.objects.filter(pk__in=pks).with_relations().with_state()
    return sorted(rows, key=lambda firewall: pks.index(firewall.pk))


def _addresses(text: str) -> dict[str, Found]:
    block = finding.block(text)
    if block is None:
        return {}
    addresses = Address.objects.select_related("prefix__network", "machine__firewall")
    kept_back = Carried.objects.left().filter(address__range=(block[0], block[-1]))
    return {
        "addresses": _found(addresses.within(block).order_by("address")),
        "kept_back": _found(kept_back),
    }


def _exact_first(rows: "QuerySet[Any]", text: str, name: str) -> "QuerySet[Any]":
    """What is called just so comes first."""
    exact = When(**{f"{name}__iexact": text}, then=Value(0))
    return rows.alias(exact=Case(exact, default=Value(1))).order_by("exact", name, "pk")


def _first(rows: "QuerySet[Any]") -> list[Any]:
    return list(rows[:MOST])


def _found(rows: "QuerySet[Any]") -> Found:
    return Found(_first(rows), rows.count())
