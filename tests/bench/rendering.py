"""What it takes to plan and render firewalls as they are in the database: time, memory, queries."""

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
from tests.bench.serving import connected, database

COUNTS = (10, 100, 1000, 2000)
SIZE = Size(projects=100, private=1900, shared=60, firewalls=COUNTS[-1], machines=12, addresses=12)
KIB = 1024


def render_configurations() -> Iterator[dict[str, float]]:
    """Yield a row per number of firewalls: elapsed and processor seconds, queries, peak memory."""
    with _firewalls() as ids:
        _render(ids[: COUNTS[0]])  # templates are compiled once
        for count in COUNTS:
            yield _measured(ids[:count])


def _measured(ids: list[UUID]) -> dict[str, float]:
    with CaptureQueriesContext(connection) as queries:
        began = time.perf_counter()
        processor = time.process_time()
        _render(ids)
        seconds = time.perf_counter() - began
        core_seconds = time.process_time() - processor
    return {
        "firewalls": len(ids),
        "seconds": round(seconds, 3),
        "core_seconds": round(core_seconds, 3),
        "per_second": round(len(ids) / seconds),
        "queries": len(queries),
        "peak_kib": round(_peak_bytes(ids) / KIB),
    }


def _peak_bytes(ids: list[UUID]) -> int:
    """The most memory that Python has at once; apart from the clock, for tracing is slow."""
    tracemalloc.start()
    _render(ids)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def _render(ids: Iterable[UUID]) -> None:
    """Render one firewall after the other, and keep none."""
    for _, files in stream_rendered(ids):
        digest(files)


@contextmanager
def _firewalls() -> Iterator[list[UUID]]:
    """Firewalls of a made-up world, in a database of its own that is gone afterwards."""
    with database(), connected(), transaction.atomic():
        fleet = building.write_fleet(Random(building.SEED), timezone.now(), SIZE)
        yield [firewall.pk for firewall in fleet.firewalls]
