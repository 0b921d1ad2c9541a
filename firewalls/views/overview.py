"""The first page: what needs attention, and every partition at a glance. And the search over everything."""

from collections import Counter, defaultdict
from typing import Any

from django.db.models import Case, Count, Q, When
from django.http import HttpRequest, HttpResponse

from firewalls.models import Firewall, FirewallQuerySet
from machines.models import Machine
from networks.common.fields import as_address
from networks.common.htmx import page
from networks.models import Address, Network, Partition
from networks.usage import usage

ATTENTION = ("failed", "drifted", "unreachable", "pending", "new")
NEARLY_FULL = 0.6
MOST_ATTENTION, MOST_FOUND = 12, 20


def overview(request: HttpRequest) -> HttpResponse:
    states = _states()
    waiting = sum(counts[state] for counts in states.values() for state in ATTENTION)
    full = _fullest(list(Network.objects.shared()))
    nearly = [entry for entry in full if entry["share"] >= NEARLY_FULL]
    context = {
        "attention": _attention(),
        "more": max(0, waiting - MOST_ATTENTION),
        "nearly_full": nearly[:MOST_ATTENTION],
        "partitions": _cards(states, full),
    }
    return page(request, "firewalls/overview.html", context)


def _attention() -> FirewallQuerySet:
    """The firewalls to look at first: by state, the worst first."""
    urgency = Case(*(When(state=state, then=place) for place, state in enumerate(ATTENTION)))
    return (
        Firewall.objects.with_relations()
        .in_state(*ATTENTION)
        .order_by(urgency, "machine__name", "pk")[:MOST_ATTENTION]
    )


def _states() -> dict[str, Counter[str]]:
    """How many firewalls are in which state, by partition."""
    states: dict[str, Counter[str]] = defaultdict(Counter)
    rows = Firewall.objects.with_state().order_by()
    by_state = rows.values_list("machine__partition", "state")  # type: ignore[misc] # annotated
    for partition, state, number in by_state.annotate(Count("pk")):
        states[partition][state] = number
    return states


def _fullest(networks: list[Network]) -> list[dict[str, Any]]:
    """Shared networks with IPv4 prefixes, the fullest first."""
    used = usage(networks)
    counted = [(row, used[row.pk]["4"]) for row in networks if "4" in used[row.pk]]
    rows = [
        {"network": row, **count, "share": count["used"] / max(1, count["available"])}
        for row, count in counted
    ]
    return sorted(rows, key=lambda row: -row["share"])


def _cards(states: dict[str, Counter[str]], full: list[dict[str, Any]]) -> list[dict[str, Any]]:
    machines = dict(
        Machine.objects.plain().order_by().values_list("partition").annotate(Count("id"))
    )
    networks = Partition.objects.annotate(
        shared=Count("networks", filter=Q(networks__shared=True)),
        private=Count("networks", filter=Q(networks__kind="private")),
    ).order_by("id")
    consumers = dict(
        Firewall.objects.filter(attachments__network__shared=True)
        .order_by()
        .values_list("machine__partition")
        .annotate(Count("pk", distinct=True))
    )
    return [
        {
            "partition": row,
            "machines": machines.get(row.pk, 0),
            "consumers": consumers.get(row.pk, 0),
            "states": [(state, states[row.pk][state.value]) for state in Firewall.State],
            "firewalls": states[row.pk].total(),
            "fullest": [entry for entry in full if entry["network"].partition_id == row.pk][:3],
        }
        for row in networks
    ]


def search(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").replace("\0", "").strip()
    ip = as_address(text)
    firewalls = Firewall.objects.with_relations().with_state()
    context = {
        "text": text,
        "networks": Network.objects.matching(text)[:MOST_FOUND] if text else [],
        "firewalls": firewalls.filter(machine__name__icontains=text)[:MOST_FOUND] if text else [],
        "machines": Machine.objects.plain()
        .select_related("primary")
        .filter(name__icontains=text)[:MOST_FOUND]
        if text
        else [],
        "addresses": Address.objects.filter(address=ip).select_related(
            "prefix__network", "machine__firewall"
        )
        if ip
        else [],
    }
    return page(request, "firewalls/search.html", context)
