"""How fast questions of reachability are answered, from what is loaded and over REST's own way.

`answer`: once a partition is loaded; `load`: reading what a question is about, `whole`: both, as a
request does it. In milliseconds, of the slowest of many questions and of the one in the middle.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from random import Random
from statistics import median
from typing import TypeVar

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.demo.large import building
from config.demo.large.sizes import WHOLE
from firewalls.intent.partitions import Around, load_around
from firewalls.intent.values import machine_value
from firewalls.reachability import AnyOf, Internet, Question, TheMachine, answer
from machines.models import Machine
from networks.models import Network
from tests.bench.serving import connected, database

QUESTIONS = 60
MILLISECONDS = 1000
SIZE = WHOLE
T = TypeVar("T")
Row = dict[str, float]


def ask_reachability() -> Iterator[Row]:
    """Yield a row per kind of question."""
    with large_demo() as chance:
        machines = list(
            Machine.objects.plain()
            .filter(primary__residents__firewall__isnull=False)
            .distinct()
            .order_by("pk")
            .prefetch_related("addresses__prefix")
        )
        asking = chance.sample(machines, QUESTIONS)
        shared = list(Network.objects.shared().order_by("pk"))
        yield _row(1, [_to_machine(one, chance.choice(machines)) for one in asking])
        yield _row(2, [_to_network(one, chance.choice(shared)) for one in asking])
        yield _row(3, [_to_internet(one) for one in asking])


def _to_machine(source: Machine, target: Machine) -> tuple[Around, Question]:
    ends = machine_value(source), machine_value(target)
    around = Around(
        {source.primary_id, target.primary_id},
        {address for one in ends for address in one.addresses},
        {source.pk, target.pk},
    )
    return around, Question(TheMachine(ends[0]), TheMachine(ends[1]), 443)


def _to_network(source: Machine, target: Network) -> tuple[Around, Question]:
    end = machine_value(source)
    around = Around({source.primary_id, target.pk}, set(end.addresses), {source.pk})
    return around, Question(TheMachine(end), AnyOf(target.pk), 2049)


def _to_internet(source: Machine) -> tuple[Around, Question]:
    end = machine_value(source)
    around = Around({source.primary_id}, set(end.addresses), {source.pk})
    return around, Question(TheMachine(end), Internet(), 443)


def _row(kind: int, questions: list[tuple[Around, Question]]) -> Row:
    """Kinds: to a machine (1), to a shared network (2), to the internet (3)."""
    answering, loading, queries = [], [], set()
    for around, question in questions:
        with CaptureQueriesContext(connection) as counted:
            loaded, milliseconds = timed(partial(load_around, around))
        loading.append(milliseconds)
        queries.add(len(counted))
        _, milliseconds = timed(partial(answer, loaded.wanted, question))
        answering.append(milliseconds)
    whole = [sum(pair) for pair in zip(answering, loading, strict=True)]
    return {
        "kind": kind,
        "questions": len(questions),
        "answer_ms": round(median(answering), 2),
        "slowest_answer_ms": round(max(answering), 2),
        "load_ms": round(median(loading), 2),
        "whole_ms": round(median(whole), 2),
        "slowest_whole_ms": round(max(whole), 2),
        "queries": max(queries),
    }


def timed(action: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    result = action()
    return result, MILLISECONDS * (time.perf_counter() - began)


@contextmanager
def large_demo() -> Iterator[Random]:
    """The networks, machines and firewalls of the large demo, in a database of its own."""
    with database(), connected(), transaction.atomic():
        building.write_fleet(Random(building.SEED), timezone.now(), SIZE)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # as PostgreSQL does by itself, once it finds the time
        yield Random(building.SEED)
