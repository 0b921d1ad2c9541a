"""How long the leak audit of a partition of the large demo takes, in milliseconds.

`load`: reading it, `core`: the audit itself, `whole`: both, as a page does it.
"""

from collections.abc import Iterator
from functools import partial

from django.db import connection
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from firewalls.intent.partitions import Basis, load_partition
from firewalls.models import Firewall
from firewalls.reachability.auditing import audit
from tests.bench.asking import Row, large_demo, timed


def audit_partition() -> Iterator[Row]:
    """Yield a row per basis, of the partition with the most firewalls."""
    with large_demo():
        counted = Firewall.objects.order_by().values("machine__partition")
        largest = counted.annotate(count=Count("pk")).order_by("-count")[0]
        for basis in Basis:
            yield _row(largest["machine__partition"], largest["count"], basis)


def _row(place: str, firewalls: int, basis: Basis) -> Row:
    with CaptureQueriesContext(connection) as counted:
        partition, loading = timed(lambda: load_partition(place).on(basis))
    found, core = timed(partial(audit, partition))
    return {
        "firewalls": firewalls,
        "applied": float(basis is Basis.APPLIED),
        "whole_ms": round(loading + core),
        "load_ms": round(loading),
        "core_ms": round(core),
        "connections": len(found.connections),
        "pairs": len(found.pairs),
        "leaks": len(found.leaks),
        "queries": len(counted),
    }
