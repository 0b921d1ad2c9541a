"""How long it takes to judge a change of the large demo by fifty laws, in milliseconds.

`judge` is the processor's time of the process that changes something, `slowest` that of the worst
of the changes, and `wall` what people wait for, with what PostgreSQL does.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from statistics import median
from typing import Any

from django.db import connection, transaction
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from firewalls.allocation import join, leave
from firewalls.models import Firewall, Law, Rule
from networks.common.postgres import judge_now
from networks.models import Network
from tests.bench.asking import MILLISECONDS, Row, large_demo

LAWS, CHANGES = 50, 20
HTTPS: dict[str, Any] = {"protocol": "tcp", "port": 443}
NFS: dict[str, Any] = {"protocol": "tcp", "port": 2049}
Change = Callable[[], object]


def judge_by_laws() -> Iterator[Row]:
    """Yield a row per kind of change: a rule (1), a join (2), a leave (3)."""
    with large_demo() as chance:
        counted = Firewall.objects.order_by().values("machine__partition")
        place = counted.annotate(count=Count("pk")).order_by("-count")[0]["machine__partition"]
        _write_laws(place)
        judge_now()
        there = Firewall.objects.with_relations().filter(machine__partition=place)
        firewalls = chance.sample(list(there.order_by("pk")), CHANGES)
        for kind, change in enumerate((_rule, _join, _leave), 1):
            yield _row(kind, [change(one, chance) for one in firewalls])


def _write_laws(place: str) -> None:
    """Only those who have joined reach what is shared; most projects always reach the internet."""
    shared = Network.objects.shared().filter(partition=place).annotate(users=Count("attachments"))
    for network in shared.order_by("-users", "pk")[: LAWS // 2]:
        users = Firewall.objects.filter(attachments__network=network).order_by()
        projects = sorted(set(users.values_list("machine__project", flat=True)))
        Law(kind="only", projects=projects[:100], to_network=network, **NFS, mode="warn").save()
    guarded = Firewall.objects.filter(machine__partition=place).order_by("machine__project")
    owners = guarded.values_list("machine__project", flat=True).distinct()
    for project in owners[: LAWS - LAWS // 2]:
        Law(kind="always", projects=[project], partition_id=place, mode="warn", **HTTPS).save()


def _rule(firewall: Firewall, chance: Random) -> Change:
    position = 1 + firewall.rules.filter(direction="egress").count()
    rule = Rule(firewall=firewall, direction="egress", position=position, ports=["8443"])
    return rule.save


def _join(firewall: Firewall, chance: Random) -> Change:
    joined = firewall.attachments.values("network")
    free = Network.objects.shared().filter(partition=firewall.machine.partition_id)
    free = free.exclude(pk__in=joined).exclude(pk=firewall.machine.primary_id)
    return partial(join, firewall, chance.choice(list(free.order_by("pk"))))


def _leave(firewall: Firewall, chance: Random) -> Change:
    rows = firewall.attachments.filter(network__shared=True).select_related("network")
    return partial(leave, firewall, rows[0].network) if rows else _rule(firewall, chance)


def _row(kind: int, changes: list[Change]) -> Row:
    times, waits, queries = [], [], set()
    for change in changes:
        with transaction.atomic():
            change()
            began, waited = time.process_time(), time.perf_counter()
            with CaptureQueriesContext(connection) as counted:
                judge_now()
            times.append(MILLISECONDS * (time.process_time() - began))
            waits.append(MILLISECONDS * (time.perf_counter() - waited))
            queries.add(len(counted))
            transaction.set_rollback(True)
    return {
        "kind": kind,
        "laws": LAWS,
        "judge_ms": round(median(times), 1),
        "slowest_ms": round(max(times), 1),
        "wall_ms": round(median(waits), 1),
        "queries": max(queries),
    }
