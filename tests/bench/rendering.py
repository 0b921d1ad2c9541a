"""How long it takes to plan and render firewalls as they are in the database, how much memory, and how many queries."""

import time
import tracemalloc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from random import Random
from uuid import UUID

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.demo.large import building
from config.demo.large.sizes import Size
from firewalls.configuration.render import digest
from firewalls.intent.revisions import stream_rendered
from tests.bench.serving import at, database

COUNTS = (10, 100, 1000, 2000)
SIZE = Size(projects=100, private=1900, shared=60, firewalls=COUNTS[-1], machines=12, addresses=12)
KIB = 1024


def render_configurations() -> Iterator[dict[str, float]]:
    """One row per number of firewalls: elapsed and one core's seconds, queries, and the most memory while they come one by one."""
    with _firewalls() as ids:
        _through(ids[: COUNTS[0]])  # templates are compiled once
        yield from (_measured(ids[:count]) for count in COUNTS)


def _measured(ids: list[UUID]) -> dict[str, float]:
    with CaptureQueriesContext(connection) as queries:
        began, busy = time.perf_counter(), time.process_time()
        _through(ids)
        seconds, busy = time.perf_counter() - began, time.process_time() - busy
    tracemalloc.start()
    _through(ids)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {
        "firewalls": len(ids),
        "seconds": round(seconds, 3),
        "core_seconds": round(busy, 3),
        "per_second": round(len(ids) / seconds),
        "queries": len(queries),
        "peak_kib": round(peak / KIB),
    }


def _through(ids: Iterable[UUID]) -> None:
    for _, files in stream_rendered(ids):
        digest(files)


@contextmanager
def _firewalls() -> Iterator[list[UUID]]:
    """Firewalls of a made-up world, in a database of its own that is gone afterwards."""
    with database(), at(), transaction.atomic():
        fleet = building.written(Random(building.SEED), timezone.now(), SIZE)
        yield [firewall.pk for firewall in fleet.firewalls]
