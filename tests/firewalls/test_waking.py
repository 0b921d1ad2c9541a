"""Changed rows wake the workers: once per transaction, after its commit, never at its expense."""

from collections.abc import Callable

import pytest
from django.db import connection, transaction

from firewalls import tasks
from firewalls.allocation import free_firewall, join, leave, replace_rules
from firewalls.intent.changes import concerned
from firewalls.intent.revisions import rendered
from firewalls.models import Endpoint, Firewall, Push, Touched
from machines.models import Machine
from networks.allocation import allocate, grow, release
from networks.models import Network, Partition
from tests.networks.test_api import queries
from tests.world import World, world

pytestmark = pytest.mark.django_db(transaction=True)

RECONCILE = "firewalls.tasks.reconcile"
RULES = [{"direction": "egress", "ports": ["443"]}]


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


class TestSiblings:
    """What a firewall passes on concerns the other firewalls of its network, and nobody else."""

    @pytest.fixture
    def two(self, fra: World, published: list[str]) -> World:
        """Two firewalls in `shop`; one has joined `storage`, as has a stranger in `other`."""
        shop = fra.private("shop", fra.shop)
        storage = fra.private("storage", fra.storage, shared=True)
        fra.private("backup", fra.storage, shared=True)
        fra.firewall("first", fra.shop, shop, storage, fra.internet)
        fra.firewall("second", fra.shop, shop)
        fra.firewall("stranger", fra.shop, fra.private("other", fra.shop), storage)
        tasks.reconcile()
        published.clear()
        return fra

    @pytest.mark.parametrize(
        ("change", "names"),
        [
            (lambda: join(firewall("first"), net("backup")), ["first", "second"]),
            (lambda: leave(firewall("first"), net("storage")), ["first", "second"]),
            (lambda: leave(firewall("first"), net("internet-fra")), ["first", "second"]),
            (lambda: free_firewall(firewall("first")), ["second"]),
            (lambda: grow(net("storage"), prefix_length=24), ["first", "second", "stranger"]),
            (
                lambda: Network.objects.filter(pk="internet-fra").update(destination_prefixes=[]),
                ["first", "second"],
            ),
            (lambda: join(firewall("stranger"), net("backup")), ["stranger"]),
            (
                lambda: replace_rules(
                    firewall("first"), [{"direction": "egress", "ports": ["443"]}]
                ),
                ["first"],
            ),
            (lambda: Firewall.objects.filter(pk=firewall("first").pk).update(port=2222), ["first"]),
        ],
    )
    def test_who_is_looked_at(
        self, two: World, change: Callable[[], object], names: list[str]
    ) -> None:
        change()
        assert looked_at() == names

    def test_one_that_is_allocated(self, two: World) -> None:
        two.firewall("third", two.shop, net("shop"), net("backup"))
        assert looked_at() == ["first", "second", "third"]

    @pytest.mark.parametrize(
        ("statements", "names"),
        [
            (
                [
                    "INSERT INTO firewalls_attachment (firewall_id, network_id, created_at, place)"
                    " SELECT id, 'backup', now(), 0 FROM machines_machine WHERE name = 'second'"
                ],
                ["first", "second"],
            ),
            (
                [
                    "DELETE FROM firewalls_attachment USING machines_machine machine"
                    " WHERE firewall_id = machine.id AND name = 'second'"
                    " AND network_id LIKE 'underlay%'"
                ],
                ["first", "second"],
            ),
            (
                ["UPDATE networks_network SET destination_prefixes = '{}' WHERE kind = 'external'"],
                ["first", "second"],
            ),
            (["UPDATE firewalls_rule SET comment = 'x'"], ["first"]),
        ],
    )
    def test_by_hand(self, two: World, statements: list[str], names: list[str]) -> None:
        replace_rules(firewall("first"), RULES)
        release(firewall("second").machine.addresses.all())
        Touched.objects.all().delete()
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        assert looked_at() == names

    def test_what_is_wanted_of_a_sibling_follows_by_itself(self, two: World) -> None:
        """The route to what the other one has not joined is announced once they differ."""
        first, second = firewall("first"), firewall("second")
        assert first.wanted is not None and "route-map floating\n" not in files(first)
        join(second, net("storage"))
        join(second, net("internet-fra"))
        tasks.reconcile()
        assert "0.0.0.0/0 route-map floating\n" in files(firewall("first"))
        leave(firewall("second"), net("storage"))
        assert "0.0.0.0/0 route-map floating\n" in files(firewall("first")), "not yet"
        tasks.reconcile()
        after = firewall("first")
        assert after.wanted == first.wanted, "the same configuration is the same revision"
        free_firewall(firewall("second"))
        tasks.reconcile()
        assert "0.0.0.0/0 route-map floating\n" in files(firewall("first"))

    def test_it_takes_the_same_number_of_queries_for_any_number_of_siblings(
        self, two: World
    ) -> None:
        def counted() -> int:
            Touched.objects.all().delete()
            leave(firewall("first"), net("storage"))
            rows = list(Touched.objects.all())
            count = queries(lambda: rendered(concerned(rows)))
            join(firewall("first"), net("storage"))
            return count

        few = counted()
        for number in range(4):
            two.firewall(f"more-{number}", two.shop, net("shop"), net("backup"))
        assert counted() == few


def net(id: str) -> Network:
    return Network.objects.get(pk=id)


def firewall(name: str) -> Firewall:
    return Firewall.objects.get(machine__name=name)


def files(of_firewall: Firewall) -> str:
    """The routing that is wanted of it."""
    assert of_firewall.wanted is not None
    return str(of_firewall.wanted.files["/etc/frr/frr.conf"])


def looked_at() -> list[str]:
    """The names of the firewalls that reconcile would look at now."""
    firewalls = Firewall.objects.filter(pk__in=concerned(list(Touched.objects.all())))
    return sorted(firewalls.values_list("machine__name", flat=True))
