"""The next free VRF id and AS number is the lowest, also of those that were given up.

And the next free id is one that nobody has, or is about to have. Both cost the same however many
are taken: counted by the rows that are read, not timed.
"""

import re
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.checking import check
from machines.models import Machine
from networks.allocation import free_id
from networks.models import Carried, Network, Project
from networks.pools import ASN_BASE, POOL, next_number
from tests.api import Api
from tests.threads import at_once, while_open
from tests.world import network, world

pytestmark = pytest.mark.django_db(transaction=True)
FIREWALL = "2a1c5c1e-0000-4000-8000-000000000001"
FILL = """
INSERT INTO networks_network (
    id, name, description, kind, vrf, destination_prefixes, default_child_prefix_length, nat,
    labels, shared, shared_by, shared_reason)
SELECT CASE number WHEN 1 THEN 'full' ELSE 'full-' || number END, 'full', '', 'external', number,
    '{}', '{}', false, '{}', false, '', ''
FROM generate_series(%s::integer, %s::integer) AS number
"""


def execute(sql: str, *values: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


CHILDREN = """
INSERT INTO networks_network (
    id, name, description, kind, partition_id, project_id, parent_id, vrf, destination_prefixes,
    default_child_prefix_length, nat, labels, shared, shared_by, shared_reason)
SELECT 'old-' || number, 'old', '', 'private', 'fra', 'shop', 'super-fra', number, '{}', '{}',
    false, '{}', false, '', ''
FROM generate_series(%s::integer, %s::integer) AS number
"""
SPACE = """
INSERT INTO networks_prefix (network_id, cidr, child)
SELECT 'old-' || number,
    network(set_masklen('10.128.0.0'::inet + number * 1024::bigint, 22)), true
FROM generate_series(%s::integer, %s::integer) AS number
"""


@transaction.atomic
def next_vrf() -> int | None:
    return next_number("vrf", POOL[0], POOL[-1])


def take(vrf: int) -> Network:
    return network(f"net-{vrf}", "external", vrf=vrf)


def rows_read(work: Callable[[], object]) -> int:
    """How many rows of our tables a transaction reads, by indexes wherever there is one."""
    query = (
        "SELECT sum(COALESCE(seq_tup_read, 0) + COALESCE(idx_tup_fetch, 0))::bigint "
        "FROM pg_stat_xact_user_tables"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("DISCARD PLANS")
        cursor.execute(query)
        (before,) = cursor.fetchone()
        work()
        cursor.execute(query)
        (after,) = cursor.fetchone()
        transaction.set_rollback(True)
    return int(after - before)


class TestNumbers:
    @pytest.mark.parametrize(
        ("taken", "lowest"),
        [
            ((), 1),
            ((1,), 2),
            ((1, 2, 4), 3),
            ((2,), 1),
            ((1, 2, 3, 4), 5),
            ((1, 2, 3, 4, 5), None),
            ((5, 9), 1),
        ],
    )
    def test_the_lowest_free_one_is_next(self, taken: tuple[int, ...], lowest: int | None) -> None:
        for vrf in taken:
            take(vrf)
        with transaction.atomic():
            assert next_number("vrf", 1, 5) == lowest

    @settings(
        max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
    )
    @given(steps=st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=60))
    def test_is_the_lowest_whatever_was_taken_and_given_up(
        self, steps: list[tuple[int, bool]]
    ) -> None:
        with transaction.atomic():
            taken: set[int] = set()
            for number, is_picked in steps:
                lowest = next(free for free in POOL if free not in taken)
                assert next_vrf() == lowest
                vrf = lowest if is_picked else number
                if vrf in taken:
                    Network.objects.get(vrf=vrf).delete()
                else:
                    take(vrf)
                taken ^= {vrf}
            assert [finding for finding in check() if finding.kind == "numbers"] == []
            transaction.set_rollback(True)

    def test_one_that_was_given_up_is_found_again_below_many(self) -> None:
        execute(FILL, 1, 300)
        assert next_vrf() == 301
        Network.objects.get(vrf=7).delete()
        assert next_vrf() == 7
        take(7)
        assert next_vrf() == 301

    def test_one_that_a_firewall_may_have_is_found_once_it_has_not(self) -> None:
        execute(FILL, 1, 300)
        Carried.objects.create(box=FIREWALL, firewall="fw", vrf=50, network="full-50")
        Carried.objects.create(box=FIREWALL, firewall="fw", vrf=301, network="long gone")
        Network.objects.get(vrf=50).delete()
        assert next_vrf() == 302
        execute(FILL, 302, 400)
        assert next_vrf() == 401
        Carried.objects.filter(vrf=301).delete()
        assert next_vrf() == 301
        Carried.objects.all().delete()
        assert next_vrf() == 50

    def test_what_is_rolled_back_leaves_no_hole(self) -> None:
        execute(FILL, 1, 20)
        with transaction.atomic():
            execute(FILL, 21, 80)
            assert next_vrf() == 81
            transaction.set_rollback(True)
        assert next_vrf() == 21

    def test_an_as_number_that_is_changed_is_found_again(self) -> None:
        fra = world()
        net = fra.private("shop", fra.shop)
        machines = [fra.machine(f"m-{number}", fra.shop, net) for number in range(30)]
        first = ASN_BASE + 1
        assert [machine.asn for machine in machines] == [*range(first, first + 30)]
        Machine.objects.filter(pk=machines[4].pk).update(asn=first + 30)
        assert fra.machine("next", fra.shop, net).asn == first + 4
        assert fra.machine("last", fra.shop, net).asn == first + 31
        assert list(check()) == []

    def test_all_begins_anew_where_a_whole_table_is_emptied(self) -> None:
        execute(FILL, 1, 100)
        assert next_vrf() == 101
        execute("TRUNCATE networks_network CASCADE")
        assert next_vrf() == 1

    def test_nobody_waits_for_a_number(self) -> None:
        execute(FILL, 1, 100)
        numbers = while_open(lambda: next_number("vrf", 1, 500), next_vrf)
        assert numbers == [101, 102]

    def test_one_is_not_lost_that_is_given_up_while_the_mark_is_raised(self) -> None:
        execute(FILL, 1, 100)

        def give_up() -> None:
            Network.objects.get(vrf=60).delete()

        assert while_open(give_up, next_vrf) == [None, 101]  # and raises the mark past 60
        assert next_vrf() == 60

    def test_costs_the_same_however_many_are_taken(self) -> None:
        execute(FILL, 1, 30)
        next_vrf()
        few = rows_read(next_vrf)
        execute(FILL, 31, 3000)
        next_vrf()
        assert rows_read(next_vrf) <= few + 8


class TestIds:
    def test_is_the_name_itself_or_the_name_with_a_number(self) -> None:
        world()
        with transaction.atomic():
            assert free_id("My Shop!", Project) == "My-Shop"
            assert free_id("shop", Project) == "shop-2"
        Project(id="shop-2", name="x").save()
        with transaction.atomic():
            assert free_id("shop", Project) == "shop-3"

    def test_every_further_one_of_the_same_name_is_free(self) -> None:
        for number in range(40):
            with transaction.atomic():
                id = free_id("shop", Project)
                Project(id=id, name="x").save()
            if number % 7 == 3:
                Project.objects.get(pk=id).delete()
        assert all(
            re.fullmatch(r"shop(-\d+)?", id) for id in Project.objects.values_list("pk", flat=True)
        )

    def test_two_of_one_name_at_once_get_ids_of_their_own(self) -> None:
        world()

        def made() -> str:
            body = {"name": "twin", "partition": "fra", "project": "shop"}
            answer = Api().post("networks/", body)
            assert answer.status_code == 201, answer.content
            return str(answer.json()["id"])

        assert sorted(map(str, while_open(made, made))) == ["twin", "twin-2"]
        assert sorted(map(str, at_once(made, made, made))) == ["twin-3", "twin-4", "twin-5"]

    def test_costs_nearly_the_same_however_many_have_the_name(self) -> None:
        execute(FILL, 1, 30)
        few = rows_read(lambda: free_id("full"))
        execute(FILL, 31, 3000)
        assert rows_read(lambda: free_id("full")) <= few + 2 * 7  # a hundred times as many: 2^7


class TestNetworks:
    """Making a network over REST, all that it does."""

    def make(self, api: Api, name: str) -> None:
        body = {"name": name, "partition": "fra", "project": "shop"}
        assert api.post("networks/", body).status_code == 201

    def test_costs_the_same_however_many_there_are(self) -> None:
        world(pool="10.128.0.0/10")
        api, costs = Api(), list[int]()
        for count in ((1, 10), (11, 1000)):
            execute(CHILDREN, *count)
            execute(SPACE, *count)
            self.make(api, "first")
            costs.append(rows_read(lambda: self.make(api, "next")))
            Network.objects.get(pk="first").delete()
        assert costs[1] <= costs[0] + 20
