"""So many pushes of a partition run at once, whoever starts them."""

from threading import Event, Thread, current_thread

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from firewalls.models import Firewall, Push
from firewalls.pushing import claiming, limits, waiting
from networks.models import Partition
from tests.firewalls.boxes import wait_until
from tests.threads import at_once
from tests.world import World, world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("published")]


def firewalls(where: World, number: int) -> list[Firewall]:
    name = where.partition.pk
    shop = where.private(f"shop-{name}", where.shop)
    return [
        where.firewall(f"{name}-{n}", where.shop, shop, where.internet, host="192.0.2.1")
        for n in range(number)
    ]


def limit(where: World, most: int | None) -> None:
    Partition.objects.filter(pk=where.partition.pk).update(pushes_at_once=most)


def queue(some: list[Firewall]) -> list[Push]:
    return [Push.objects.enqueue(firewall, by="ada") for firewall in some]


def running(where: World) -> int:
    return limits.running([where.partition.pk]).get(where.partition.pk, 0)


def test_so_many_of_a_partition_start_and_others_as_ever() -> None:
    fra, muc = world(), world("muc", "10.160.0.0/14", "10.5.0.0/16", number=1)
    limit(fra, 2)
    first, *_ = queue(firewalls(fra, 4))
    queue(firewalls(muc, 3))
    started = claiming.claim_pushes(50)
    assert running(fra) == 2 and running(muc) == 3 and len(started) == 5
    assert first in started  # the oldest
    assert claiming.claim_pushes(50) == []


def test_one_that_ends_makes_room_for_the_next() -> None:
    fra = world()
    limit(fra, 1)
    queue(firewalls(fra, 3))
    (one,) = claiming.claim_pushes(50)
    claiming.requeue_lost()
    assert running(fra) == 1
    Push.objects.filter(pk=one.pk).update(state="confirmed", finished_at="2030-01-01T00:00Z")
    (two,) = claiming.claim_pushes(50)
    assert two != one and running(fra) == 1


def test_a_partition_that_is_full_does_not_hold_up_newer_pushes_of_others() -> None:
    fra, muc = world(), world("muc", "10.160.0.0/14", "10.5.0.0/16", number=1)
    limit(fra, 1)
    queue(firewalls(fra, 5))
    queue(firewalls(muc, 2))
    assert len(claiming.claim_pushes(2)) == 2
    assert len(claiming.claim_pushes(2)) == 1
    assert running(fra) == 1 and running(muc) == 2


def test_one_push_that_is_meant_is_held_to_the_limit_as_well() -> None:
    fra = world()
    limit(fra, 1)
    one, two = queue(firewalls(fra, 2))
    assert claiming.claim_push(one.pk) == one
    assert claiming.claim_push(two.pk) is None


@pytest.mark.parametrize("round_", range(5))
def test_workers_that_claim_at_the_same_moment_keep_the_limit_together(round_: int) -> None:
    fra = world()
    limit(fra, 3)
    queue(firewalls(fra, 12))
    claimed = at_once(*[lambda: claiming.claim_pushes(2) for _ in range(6)])
    assert running(fra) == 3
    assert sum(len(one) for one in claimed if isinstance(one, list)) == 3


def test_a_worker_counts_what_another_starts_between_its_count_and_its_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fra = world()
    limit(fra, 2)
    queue(firewalls(fra, 6))
    has_counted, has_claimed = Event(), Event()
    count = limits.running
    slow_ones: list[Thread] = []

    def counted(partitions: list[str]) -> dict[str, int]:
        result = count(partitions)
        if current_thread() in slow_ones:
            has_counted.set()
            wait_until(lambda: has_claimed.is_set() or somebody_waits())
        return result

    def slow() -> int:
        slow_ones.append(current_thread())
        return len(claiming.claim_pushes(5))

    def quick() -> int:
        assert has_counted.wait(20)
        try:
            return len(claiming.claim_pushes(5))
        finally:
            has_claimed.set()

    monkeypatch.setattr(limits, "running", counted)
    started = at_once(slow, quick)
    assert started == [2, 0]
    assert running(fra) == 2


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def test_claiming_takes_as_many_queries_for_many_as_for_few() -> None:
    fra = world()
    limit(fra, 5)
    counts = []
    some = firewalls(fra, 12)
    for few in (some[:2], some[2:]):
        queue(few)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            claiming.claim_pushes(50)
        counts.append(len(queries))
        Push.objects.all().update(state="confirmed", finished_at="2030-01-01T00:00Z")
    assert counts[0] == counts[1]


def test_running_pushes_are_counted_by_the_index_of_the_few_that_run() -> None:
    fra = world()
    rows = Push.objects.filter(pk__in=[one.pk for one in queue(firewalls(fra, 3))])
    rows.update(state="running", started_at="2030-01-01T00:00Z")
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("SET LOCAL enable_seqscan = off")
        with CaptureQueriesContext(connection) as queries:
            assert running(fra) == 3
        cursor.execute(f"EXPLAIN {queries[-1]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "one_running_push" in plan or "push_open" in plan, plan


def test_a_push_that_waits_for_room_says_so() -> None:
    fra = world()
    limit(fra, 1)
    one, two = queue(firewalls(fra, 2))
    assert waiting.reason(one) is None
    claiming.claim_pushes(1)
    reason = waiting.reason(two)
    assert reason and reason.code == "limit"
    assert reason.sentence == "1 of 1 pushes at once are running in fra."
