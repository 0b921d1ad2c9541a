"""The first page, with what needs attention and every partition; and the search over all."""

from collections import Counter
from contextlib import suppress
from functools import reduce
from operator import and_, or_
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from firewalls.intent import unconnected
from firewalls.models import Firewall, Retired
from firewalls.picture.values import NEARLY_FULL
from firewalls.pushing import appliers, cautions
from firewalls.views.triage import by_partition, state_table, triage
from machines.models import Machine
from networks.common.fields import as_address
from networks.common.htmx import page
from networks.common.statements import Fixed
from networks.models import Address, Carried, ImportNote, Network, Partition, Project
from networks.usage import usage

MOST_ATTENTION, MOST_FOUND = 6, 20
MOST_FULLEST, MOST_UNCONNECTED = 3, 3
MAX_DIGITS = 10  # of an AS number


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


def search(request: HttpRequest) -> HttpResponse:
    """Networks, firewalls, machines and addresses that the text may mean."""
    text = request.GET.get("q", "").replace("\0", "").strip()
    results = _results(text) if text else {}
    return page(request, "firewalls/search.html", {"text": text, **results})


def _results(text: str) -> dict[str, object]:
    firewalls = Firewall.objects.with_relations().with_state()
    machines = Machine.objects.plain().select_related("primary")
    addresses = Address.objects.select_related("prefix__network", "machine__firewall")
    ip = as_address(text)
    found = {
        "networks": Network.objects.matching(text),
        "firewalls": firewalls.filter(_meant("machine__", text)),
        "machines": machines.filter(_meant("", text)),
        "projects": Project.objects.filter(_words(text, "id", "name", "tenant")),
        "partitions": Partition.objects.filter(_words(text, "id", "name")),
        "addresses": addresses.filter(address=ip) if ip else addresses.none(),
    }
    kept_back = Carried.objects.left().filter(address=ip) if ip else Carried.objects.none()
    shown = {name: rows[: MOST_FOUND + 1] for name, rows in found.items()}
    more = [name for name, rows in shown.items() if len(rows) > MOST_FOUND]
    cut = {name: rows[:MOST_FOUND] for name, rows in shown.items()}
    return {**cut, "kept_back": kept_back, "more": more, "most": MOST_FOUND}


def _words(text: str, *fields: str) -> Q:
    """Each word of it, in any order, in any of these fields."""
    return reduce(
        and_,
        (
            reduce(or_, (Q(**{f"{field}__icontains": word}) for field in fields))
            for word in text.split()
        ),
    )


def _meant(prefix: str, text: str) -> Q:
    """A machine by the words of its name, its id, or its AS number."""
    meant = _words(text, f"{prefix}name")
    if text.isdecimal() and len(text) <= MAX_DIGITS:
        meant |= Q(**{f"{prefix}asn": int(text)})
    with suppress(ValueError):
        meant |= Q(**{f"{prefix}pk": UUID(text)})
    return meant
