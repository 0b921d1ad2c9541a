"""What the next free one costs: as much in a full network as in an empty one.

Also after many were freed. Counted, not timed.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from networks import pools
from networks.allocation import allocate
from networks.models import Network, Prefix
from tests.firewalls.boxes import wait_until
from tests.world import World, network, world

pytestmark = pytest.mark.django_db(transaction=True)
FILL = """
INSERT INTO networks_address (address, prefix_id, project_id, kind, name, description)
SELECT host(network(cidr) + number::bigint)::inet, id, 'shop', 'static', '', ''
FROM networks_prefix, generate_series(1, %s) AS number WHERE id = %s
"""
# Every third one, and every seventh block of 64: holes of all sizes, the same every time.
FREE_SOME = """
DELETE FROM networks_address
WHERE prefix_id = %s
AND ((address - '198.18.0.0') %% 3 = 0 OR (address - '198.18.0.0') / 64 %% 7 = 0)
"""
FEW_PAGES, FEW_ROWS, TRIES = 12, 100, 5


def execute(sql: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


@pytest.fixture
def fra() -> World:
    return world(pool="10.128.0.0/12")


@pytest.fixture
def lan(fra: World) -> Network:
    return network("lan", "external", "198.18.0.0/16", vrf=7)


@contextmanager
def planned(*, small: bool) -> Iterator[CursorWrapper]:
    """Everything is planned anew, with an index also where the table is small."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL enable_seqscan = {'off' if small else 'on'}")
        cursor.execute("DISCARD PLANS")
        yield cursor


def nobody_sees_old_rows() -> None:
    """Wait until no other transaction sees old rows, for VACUUM must keep what one still sees.

    That goes for the databases of other tests too.
    """
    others = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND num_nonnulls(backend_xmin, backend_xid) > 0"
    )
    with connection.cursor() as cursor:
        wait_until(lambda: (cursor.execute(others), cursor.fetchone())[1] == (0,), seconds=600)


def vacuumed() -> None:
    """As autovacuum does now and then."""
    nobody_sees_old_rows()
    execute("VACUUM ANALYZE networks_free, networks_address")


def cheap(after: Callable[[], None], cost: Callable[[], tuple[int, ...]], *most: int) -> bool:
    """Whether it costs no more after this.

    Tried again, for another transaction may have begun just then, and see old rows.
    """
    for _ in range(TRIES):
        after()
        costs = cost()
        if all(each <= limit for each, limit in zip(costs, most, strict=True)):
            return True
        print("it has cost", costs)
    return False


def pages(query: str, values: Any, *, small: bool = False) -> int:
    """How many pages the query looks at, by an index."""
    with planned(small=small) as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}", values)
        explained = cursor.fetchone()[0]
    plan = (json.loads(explained) if isinstance(explained, str) else explained)[0]["Plan"]
    assert "Seq Scan" not in {node["Node Type"] for node in nodes(plan)}
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


def rows_read() -> int:
    """How many rows of addresses and free space this transaction has read, by index or not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(COALESCE(seq_tup_read, 0) + COALESCE(idx_tup_fetch, 0))::bigint "
            "FROM pg_stat_xact_user_tables "
            "WHERE relname IN ('networks_free', 'networks_address')"
        )
        return int(cursor.fetchone()[0])


def cost(lan: Network, world: World, *, small: bool) -> tuple[int, int]:
    """Pages of finding the next free address, and rows of taking it."""
    prefix = lan.prefixes.get()
    page_count = pages(pools._NEXT_ADDRESS, [prefix.pk], small=small)
    with planned(small=small):
        before = rows_read()
        allocate(lan, project=world.shop)
        read = rows_read() - before
        transaction.set_rollback(True)
    return page_count, read


@pytest.mark.parametrize("taken", [500, 20_000])
def test_the_next_address_costs_the_same_however_many_are_taken_and_after_frees(
    fra: World, lan: Network, taken: int
) -> None:
    prefix = lan.prefixes.get()
    execute(FILL, taken, prefix.pk)
    assert cheap(vacuumed, lambda: cost(lan, fra, small=taken < 1000), FEW_PAGES, FEW_ROWS), (
        "when it is full up to there"
    )
    execute(FREE_SOME, prefix.pk)
    assert cheap(vacuumed, lambda: cost(lan, fra, small=taken < 1000), FEW_PAGES, FEW_ROWS), (
        "with holes"
    )
    assert allocate(lan, project=fra.shop).address == IPv4Address("198.18.0.1")  # the lowest hole


def test_taking_and_giving_back_a_thousand_times_leaves_nothing_to_wade_through(
    fra: World, lan: Network
) -> None:
    prefix = lan.prefixes.get()
    execute(FILL, 2000, prefix.pk)
    vacuumed()

    def turns(count: int) -> None:
        nobody_sees_old_rows()
        for number in range(count):
            execute(
                "DELETE FROM networks_address WHERE address = '198.18.0.0'::inet + %s",
                1 + number % 50,
            )
            allocate_bare(prefix)

    turns(1000)
    assert cheap(
        lambda: turns(50),
        lambda: (pages(pools._NEXT_ADDRESS, [prefix.pk], small=True),),
        2 * FEW_PAGES,
    )


def allocate_bare(prefix: Prefix) -> None:
    execute(
        "INSERT INTO networks_address (address, prefix_id, project_id, kind, name, description) "
        f"SELECT ({pools._NEXT_ADDRESS})::inet, %s, 'shop', 'static', '', ''",
        prefix.pk,
        prefix.pk,
    )


def test_the_next_child_prefix_costs_the_same_however_many_are_carved(fra: World) -> None:
    pool = fra.pool.prefixes.get()
    values = {"id": pool.pk, "pool": str(pool.cidr), "length": 24}
    for number, length in enumerate([24, 22, 23, 28, 24] * 60):
        fra.private(f"net-{number}", fra.shop, prefix_length={4: length})
    Network.objects.get(pk="net-7").delete()
    Network.objects.get(pk="net-100").delete()
    assert cheap(
        vacuumed, lambda: (pages(pools._NEXT_CHILD, values),), 4 * (1 + 24 - 12)
    )  # a look per length from /12 to /24
