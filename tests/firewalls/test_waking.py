"""Changed rows wake the workers: once per transaction, after its commit, never at its expense."""

import pytest
from django.db import transaction

from firewalls.models import Push
from networks.models import Partition
from tests.world import World, world

pytestmark = pytest.mark.django_db(transaction=True)

RECONCILE = "firewalls.tasks.reconcile"


@pytest.fixture
def fra(published: list[str]) -> World:
    made = world()
    published.clear()
    return made


def test_a_transaction_wakes_reconcile_once_however_many_rows_it_changes(
    fra: World, published: list[str]
) -> None:
    with transaction.atomic():
        for name in ("one", "two", "three"):
            fra.partition.name = name
            fra.partition.save()
        assert published == [], "nothing is committed yet"
    assert published == [RECONCILE]


def test_each_transaction_wakes_it_again(fra: World, published: list[str]) -> None:
    for _ in range(2):
        with transaction.atomic():
            fra.partition.save()
            fra.partition.save()
    fra.partition.save()
    assert published == [RECONCILE] * 3


def test_a_transaction_that_is_rolled_back_wakes_nobody_and_the_next_one_does(
    fra: World, published: list[str]
) -> None:
    with transaction.atomic():
        fra.partition.save()
        transaction.set_rollback(True)
    assert published == []
    fra.partition.save()
    assert published == [RECONCILE]


def test_what_a_savepoint_takes_back_does_not_keep_the_rest_from_waking_it(
    fra: World, published: list[str]
) -> None:
    with transaction.atomic():
        with transaction.atomic():
            fra.partition.save()
            transaction.set_rollback(True)
        fra.storage.save()
        fra.internet.save()
    assert published == [RECONCILE]


def test_a_broker_that_is_down_fails_no_change_and_no_push(
    fra: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    firewall = fra.firewall("fw", fra.shop, fra.private("shop", fra.shop))

    def refuse(*args: object, **kwargs: object) -> None:
        raise ConnectionError("the broker is down")

    monkeypatch.setattr("celery.app.task.Task.apply_async", refuse)
    fra.partition.name = "Frankfurt"
    fra.partition.save()
    with transaction.atomic():
        queued = Push.objects.enqueue(firewall)
    assert Partition.objects.get().name == "Frankfurt"
    assert Push.objects.get() == queued
