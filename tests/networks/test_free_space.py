"""Free space is kept by the database: the fewest blocks, and exactly what is not taken.

Whatever is allocated and released.
"""

from ipaddress import ip_network

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from networks.allocation import allocate, grow
from networks.common.addressing import Cidr, first_usable, free_space, last_usable
from networks.models import Address, Prefix
from networks.pools import free_blocks, next_child
from tests.world import network, world

pytestmark = pytest.mark.django_db
SPACES = [
    "198.18.0.0/24",
    "198.18.0.64/27",
    "198.18.0.8/30",
    "198.18.0.8/31",
    "198.18.0.8/32",
    "2001:db8:5::/120",
    "2001:db8:5::/127",
]


def left(prefix: Prefix) -> list[Cidr]:
    """What should be free, counted by another library."""
    never = {str(prefix.cidr.network_address), str(prefix.cidr.broadcast_address)}
    never -= {str(first_usable(prefix.cidr)), str(last_usable(prefix.cidr))}
    taken = [*never, *map(str, prefix.addresses.values_list("address", flat=True))]
    return free_space([prefix.cidr], [ip_network(one) for one in taken])


@pytest.mark.parametrize("space", SPACES)
@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(picks=st.lists(st.tuples(st.integers(0, 255), st.booleans()), max_size=25))
def test_addresses_leave_exactly_the_rest(space: str, picks: list[tuple[int, bool]]) -> None:
    with transaction.atomic():
        shop = world().shop
        lan = network("lan", "external", space, vrf=7)
        prefix = lan.prefixes.get()
        for number, lowest in picks:
            ip = prefix.cidr.network_address + number % prefix.cidr.num_addresses
            if taken := Address.objects.filter(address=ip).first():
                taken.delete()
            elif (free := left(prefix)) and lowest:
                assert allocate(lan, project=shop).address == free[0].network_address
            elif any(ip in block for block in free):
                allocate(lan, project=shop, ip=ip)
            assert free_blocks([prefix.pk]) == left(prefix)
        transaction.set_rollback(True)


@settings(
    max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(steps=st.lists(st.tuples(st.sampled_from([24, 26, 27, 30, 32]), st.booleans()), max_size=20))
def test_child_prefixes_leave_exactly_the_rest(steps: list[tuple[int, bool]]) -> None:
    with transaction.atomic():
        fra = world(pool="10.128.0.0/22")
        net, pool = fra.private("shop", fra.shop, prefix_length={4: 28}), fra.pool.prefixes.get()
        for length, removed in steps:
            carved = Prefix.objects.filter(network=net).values_list("cidr", flat=True)
            expected = [
                next(block.subnets(new_prefix=length))
                for block in free_space([pool.cidr], carved)
                if block.prefixlen <= length
            ]
            cidr = next_child(pool.pk, pool.cidr, length)
            assert cidr == (expected[0] if expected else None)
            if cidr is not None and net.prefixes.count() and removed:
                net.prefixes.order_by("-cidr")[0].delete()
            elif cidr is not None:
                grow(net, prefix=cidr)
            assert free_blocks([pool.pk]) == free_space(
                [pool.cidr], Prefix.objects.filter(network=net).values_list("cidr", flat=True)
            )
        transaction.set_rollback(True)


def test_counting_anew_finds_the_same() -> None:
    fra = world(v6="2001:db8:128::/48")
    net = fra.private("shop", fra.shop)
    for number in (1, 2, 7, 200):
        allocate(
            net, project=fra.shop, ip=net.prefixes.get(cidr__family=4).cidr.network_address + number
        )
    everything = list(Prefix.objects.values_list("pk", flat=True))
    before = free_blocks(everything)
    with connection.cursor() as cursor:
        cursor.execute("SELECT networks_refill()")
    assert free_blocks(everything) == before


def test_what_a_removed_prefix_took_is_free_in_its_super_network_again() -> None:
    fra = world(pool="10.128.0.0/20")
    pool = list(fra.pool.prefixes.values_list("pk", flat=True))
    fra.private("a", fra.shop)
    b = fra.private("b", fra.shop)
    b.delete()
    assert list(map(str, free_blocks(pool))) == ["10.128.4.0/22", "10.128.8.0/21"]


@pytest.mark.parametrize(
    "spelled",
    ["203.0.113.0", "203.0.113.255", "203.0.113.7", "198.18.0.1", "203.0.113.9/24", "2001:db8::1"],
)
def test_nothing_is_taken_twice_or_where_it_may_not(spelled: str) -> None:
    fra = world()
    lan = network("lan", "external", "198.18.0.0/24", vrf=7)
    internet = fra.internet.prefixes.get()
    allocate(fra.internet, project=fra.shop, ip=internet.cidr.network_address + 7)
    assert lan.prefixes.exists()
    columns = "(address, prefix_id, project_id, kind, name, description)"
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO networks_address {columns} VALUES (%s, %s, 'shop', 'static', '', '')",
            [spelled, internet.pk],
        )
    with connection.cursor() as cursor:  # and what was refused has taken nothing
        cursor.execute("SELECT count(*) FROM networks_free WHERE prefix_id = %s", [internet.pk])
        assert cursor.fetchone() == (len(left(internet)),)
