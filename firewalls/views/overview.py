"""The first page, with what needs attention and every partition."""

from collections import Counter
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from firewalls.intent import unconnected
from firewalls.models import Firewall, Retired
from firewalls.picture.values import NEARLY_FULL
from firewalls.pushing import appliers, cautions
from firewalls.views.triage import by_partition, state_table, triage
from machines.models import Machine
from networks.common.htmx import page
from networks.common.statements import Fixed
from networks.models import ImportNote, Network, Partition
from networks.usage import usage

MOST_ATTENTION = 6
MOST_FULLEST, MOST_UNCONNECTED = 3, 3


def overview(request: HttpRequest) -> HttpResponse:
    states = by_partition()
    full = _fullest(list(Network.objects.shared()))
    nearly = [entry for entry in full if entry["share"] >= NEARLY_FULL]
    context = {
        **triage(may_push=request.user.has_perm("firewalls.add_push")),
        **state_table(states),
        "now": timezone.now(),
        "appliers": appliers.others(),
        "cautions": cautions.counts(),
        "nearly_full": nearly[:MOST_ATTENTION],
        **_unconnected(),
        "more_full": max(0, len(nearly) - MOST_ATTENTION),
        "retired": Retired.objects.defer("files", "steps")[:MOST_ATTENTION],
        "partitions": _cards(states, full),
        "import_notes": ImportNote.objects.objects_by_verdict(),
    }
    return page(request, "firewalls/overview.html", context, parts={"triage"})


def _unconnected() -> dict[str, Any]:
    """The networks with most machines that have no way to the internet, and how many more."""
    rows = unconnected.networks()
    return {
        "unconnected": rows[:MOST_UNCONNECTED],
        "more_unconnected": max(0, len(rows) - MOST_UNCONNECTED),
    }


def _fullest(networks: list[Network]) -> list[dict[str, Any]]:
    """Shared networks with IPv4 prefixes, the fullest first."""
    used = usage(networks)
    rows = []
    for network in networks:
        if "4" in used[network.pk]:
            count = used[network.pk]["4"]
            share = (count["used"] + count["kept_back"]) / max(1, count["available"])
            rows.append({"network": network, **count, "share": share})
    return sorted(rows, key=lambda row: -row["share"])


def _cards(states: dict[str, Counter[str]], full: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is shown of each partition."""
    machines, consumers = dict(_machines.rows()), dict(_consumers.rows())
    partitions = Partition.objects.annotate(
        shared=Count("networks", filter=Q(networks__shared=True)),
        private=Count("networks", filter=Q(networks__kind="private")),
    )
    return [
        {
            "partition": row,
            "machines": machines.get(row.pk, 0),
            "consumers": consumers.get(row.pk, 0),
            "firewalls": states[row.pk].total(),
            "fullest": _of_partition(full, row)[:MOST_FULLEST],
        }
        for row in partitions.order_by("id")
    ]


@Fixed
def _machines() -> "QuerySet[Machine, tuple[str, int]]":
    """How many are in each partition."""
    rows = Machine.objects.plain().order_by()
    return rows.values_list("partition").annotate(Count("id"))


@Fixed
def _consumers() -> "QuerySet[Firewall, tuple[str, int]]":
    """How many are in each partition."""
    rows = Firewall.objects.filter(attachments__network__shared=True).order_by()
    return rows.values_list("machine__partition").annotate(Count("pk", distinct=True))


def _of_partition(full: list[dict[str, Any]], partition: Partition) -> list[dict[str, Any]]:
    return [entry for entry in full if entry["network"].partition_id == partition.pk]
