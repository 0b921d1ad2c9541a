"""Who waits for whom, while the transaction of an allocation is open on another connection.

Nobody waits but those who allocate in the same place.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest
from django.db import OperationalError, connection, transaction

from networks.allocation import allocate, grow
from networks.models import Network, Prefix
from tests.world import World, world

pytestmark = pytest.mark.django_db(transaction=True)
Action = Callable[[], object]
# Whoever waits this long for a lock waits for the other connection, which waits for the answer.
LONG_ENOUGH = "700ms"


@pytest.fixture
def fra() -> World:
    return world()


@contextmanager
def left_open(action: Action) -> Iterator[None]:
    """Do it, and leave its transaction open meanwhile."""
    with transaction.atomic():
        action()
        yield
        transaction.set_rollback(True)


def waits(action: Action) -> bool:
    """Whether somebody else, who does this now, is kept waiting."""

    def other() -> bool:
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute(f"SET LOCAL lock_timeout = '{LONG_ENOUGH}'")
                action()
                transaction.set_rollback(True)
        except OperationalError:
            return True
        finally:
            connection.close()
        return False

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(other).result()


def test_while_an_address_is_taken_only_others_who_take_from_its_network_wait(fra: World) -> None:
    a, b = fra.private("a", fra.shop), fra.private("b", fra.shop)
    address = allocate(a, project=fra.shop)
    with left_open(partial(allocate, a, project=fra.shop)):
        assert waits(partial(allocate, a, project=fra.shop))
        assert waits(address.delete)  # gives back to the same place
        assert not waits(partial(allocate, b, project=fra.shop))
        assert not waits(
            partial(fra.private, "c", fra.shop)
        )  # carved from the super network that a was carved from
        assert not waits(partial(grow, b, prefix_length=24))
        assert not waits(partial(fra.machine, "web", fra.shop, b))
        assert not waits(partial(fra.firewall, "fw", fra.shop, b, fra.internet))
        assert not waits(partial(b.share, "admin"))
        assert not waits(b.delete)


def test_while_a_network_is_carved_only_others_who_carve_from_its_super_network_wait(
    fra: World,
) -> None:
    muc = world("muc", "10.132.0.0/14", "10.5.0.0/16", number=1)
    a, b = fra.private("a", fra.shop), fra.private("b", fra.shop)
    with left_open(partial(fra.private, "c", fra.shop)):
        assert waits(partial(fra.private, "d", fra.shop))
        assert waits(partial(grow, b, prefix_length=24))
        assert waits(b.delete)  # gives its prefix back to the same super network
        assert not waits(partial(allocate, a, project=fra.shop))
        assert not waits(partial(fra.machine, "web", fra.shop, a))
        assert not waits(partial(fra.firewall, "fw", fra.shop, a, fra.internet))
        assert not waits(partial(muc.private, "e", fra.shop))


def test_while_a_machine_is_allocated_machines_of_other_networks_do_not_wait(fra: World) -> None:
    a, b = fra.private("a", fra.shop), fra.private("b", fra.shop)
    with left_open(partial(fra.machine, "web-1", fra.shop, a)):
        assert waits(partial(fra.machine, "web-2", fra.shop, a))
        assert not waits(partial(fra.machine, "web-3", fra.shop, b))
        assert not waits(partial(fra.firewall, "fw", fra.shop, b))
        assert waits(partial(a.share, "admin"))  # who lives there relies on what it is
        assert not waits(partial(b.share, "admin"))


def test_firewalls_of_one_partition_wait_for_each_other_since_all_take_from_the_underlay(
    fra: World,
) -> None:
    muc = world("muc", "10.132.0.0/14", "10.5.0.0/16", number=1)
    a, b, far = fra.private("a", fra.shop), fra.private("b", fra.shop), muc.private("far", fra.shop)
    with left_open(partial(fra.firewall, "fw-1", fra.shop, a)):
        assert waits(partial(fra.firewall, "fw-2", fra.shop, b))
        assert not waits(partial(muc.firewall, "fw-3", fra.shop, far))


def test_no_lock_is_held_on_a_table_a_partition_a_project_or_a_super_network(fra: World) -> None:
    a = fra.private("a", fra.shop)
    pool = fra.pool.prefixes.get()

    def changed(*rows: World) -> None:
        fra.partition.save()
        fra.shop.save()
        Network.objects.select_for_update(no_key=True).get(pk=fra.pool.pk)
        Prefix.objects.select_for_update(no_key=True).get(pk=pool.pk)

    with left_open(partial(fra.machine, "web", fra.shop, a)):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT mode FROM pg_locks "
                "WHERE pid = pg_backend_pid() AND locktype = 'relation'"
            )
            assert {mode for (mode,) in cursor.fetchall()} <= {
                "AccessShareLock",
                "RowShareLock",
                "RowExclusiveLock",
            }
        assert not waits(changed)
