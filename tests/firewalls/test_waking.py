"""Changed rows wake the workers: once per transaction, after its commit, never at its expense."""

from collections.abc import Callable

import pytest
from django.db import transaction

from firewalls import tasks
from firewalls.intent.changes import concerned
from firewalls.models import Endpoint, Firewall, Push, Touched
from machines.models import Machine
from networks.allocation import allocate, grow
from networks.models import Network, Partition
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


class TestWhomAChangeConcerns:
    """Reconcile is woken, and finds something to look at, only where a configuration may change."""

    @pytest.fixture
    def quiet(self, fra: World, published: list[str]) -> World:
        """A firewall in `shop` that has joined `storage`; nothing waits to be looked at."""
        shop = fra.private("shop", fra.shop)
        storage = fra.private("storage", fra.storage, shared=True)
        fra.firewall("fw", fra.shop, shop, storage)
        fra.private("lonely", fra.shop)
        tasks.reconcile()
        published.clear()
        return fra

    @pytest.mark.parametrize(
        "change",
        [
            lambda fra: fra.private("new", fra.shop),
            lambda fra: fra.private("new", fra.storage, shared=True),
            lambda fra: grow(Network.objects.get(pk="lonely"), prefix_length=24),
            lambda fra: Network.objects.get(pk="lonely").delete(),
            lambda fra: fra.machine("m", fra.shop, Network.objects.get(pk="shop")),
            lambda fra: fra.machine("m", fra.storage, Network.objects.get(pk="storage")),
            lambda fra: allocate(Network.objects.get(pk="storage"), project=fra.shop),
        ],
    )
    def test_nobody(
        self, quiet: World, published: list[str], change: Callable[[World], object]
    ) -> None:
        change(quiet)
        assert published == [] and not Touched.objects.exists()

    @pytest.mark.parametrize(
        "change",
        [
            lambda fra: Network.objects.filter(pk="storage").update(name="x"),
            lambda fra: grow(Network.objects.get(pk="storage"), prefix_length=24),
            lambda fra: grow(Network.objects.get(pk="shop"), prefix_length=24),
            lambda fra: Partition.objects.update(ntp_servers=["192.0.2.9"]),
        ],
    )
    def test_a_firewall(self, quiet: World, change: Callable[[World], object]) -> None:
        change(quiet)
        firewall = Firewall.objects.get()
        assert concerned(list(Touched.objects.all())) == [firewall.pk]

    def test_the_firewall_whose_endpoint_leads_to_a_machine(self, quiet: World) -> None:
        firewall, shop = Firewall.objects.get(), Network.objects.get(pk="shop")
        machine = quiet.machine("m", quiet.shop, shop)
        address = firewall.machine.addresses.get(prefix__network="storage")
        Endpoint(address=address, port=80, machine=machine, target_port=80).save()
        tasks.reconcile()
        assert not Touched.objects.exists()
        Machine.objects.filter(pk=machine.pk).update(name="other")
        assert concerned(list(Touched.objects.all())) == [firewall.pk]
