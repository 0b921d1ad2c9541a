"""Allocating prefixes and addresses: the lowest free one, never twice; an error leaves nothing."""

from ipaddress import ip_address, ip_network

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from networks.allocation import allocate, create_private_network, grow
from networks.models import Address, Network, Prefix
from networks.usage import usage
from tests.world import World, network, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def fra() -> World:
    return world()


def codes(error: pytest.ExceptionInfo[ValidationError]) -> dict[str, list[str | None]]:
    return {field: [one.code for one in errors] for field, errors in error.value.error_dict.items()}


def test_private_networks_take_the_lowest_free_prefixes_of_the_pool(fra: World) -> None:
    first, second = fra.private("a", fra.shop), fra.private("b", fra.shop)
    assert [first.prefixes_text, second.prefixes_text] == ["10.128.0.0/22", "10.128.4.0/22"]
    assert first.vrf != second.vrf


def test_a_freed_child_prefix_is_taken_again_first(fra: World) -> None:
    first, _ = fra.private("a", fra.shop), fra.private("b", fra.shop)
    first.delete()
    assert fra.private("c", fra.shop).prefixes_text == "10.128.0.0/22"


def test_a_longer_prefix_fills_the_gap_and_a_shorter_one_starts_aligned(fra: World) -> None:
    fra.private("small", fra.shop, prefix_length={4: 29})
    assert fra.private("wide", fra.shop, prefix_length={4: 20}).prefixes_text == "10.128.16.0/20"
    assert (
        fra.private("next-small", fra.shop, prefix_length={4: 29}).prefixes_text == "10.128.0.8/29"
    )
    assert fra.private("middle", fra.shop, prefix_length={4: 22}).prefixes_text == "10.128.4.0/22"


def test_dual_stack_partitions_give_a_prefix_per_family() -> None:
    fra = world(v6="2001:db8:128::/48")
    assert fra.private("a", fra.shop).prefixes_text == "10.128.0.0/22, 2001:db8:128::/64"
    assert fra.private("b", fra.shop).prefixes_text == "10.128.4.0/22, 2001:db8:128:1::/64"


def test_an_exhausted_pool_says_how_full_it_is_and_leaves_nothing() -> None:
    tiny = world(pool="10.128.0.0/22", fabric="10.4.0.0/24")
    fra_net = tiny.private("all", tiny.shop)
    with pytest.raises(ValidationError) as error:
        tiny.private("none", tiny.shop, prefix_length={4: 30})
    assert codes(error) == {"prefix_length": ["exhausted"]}
    assert "1 child prefix taken" in str(error.value)
    assert not Network.objects.filter(id="none").exists() and fra_net.prefixes.count() == 1


def test_addresses_are_the_lowest_free_and_never_network_or_broadcast(fra: World) -> None:
    tiny = fra.private("tiny", fra.shop, prefix_length={4: 29})
    taken = [allocate(tiny, project=fra.shop) for _ in range(6)]
    assert [str(address) for address in taken] == [f"10.128.0.{host}" for host in range(1, 7)]
    with pytest.raises(ValidationError) as error:
        allocate(tiny, project=fra.shop)
    assert codes(error) == {"network": ["exhausted"]} and "6 of 6" in str(error.value)
    taken[2].release()
    assert str(allocate(tiny, project=fra.shop)) == "10.128.0.3"


@pytest.mark.parametrize(
    ("cidr", "count"),
    [
        ("203.0.114.0/31", 2),
        ("203.0.114.7/32", 1),
        ("2001:db8:9::/127", 2),
        ("2001:db8:9::/126", 3),
    ],
)
def test_small_prefixes_offer_what_their_rfc_says(fra: World, cidr: str, count: int) -> None:
    link = network("link", "external", cidr, vrf=7)
    version = ip_network(cidr).version
    taken = [allocate(link, project=fra.shop, version=version) for _ in range(count)]
    assert len({address.address for address in taken}) == count
    with pytest.raises(ValidationError):
        allocate(link, project=fra.shop, version=version)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("10.128.0.0", "reserved"),
        ("10.128.3.255", "reserved"),
        ("10.9.9.9", "outside_network"),
        ("10.128.0.5", "taken"),
    ],
)
def test_a_named_address_must_be_inside_free_and_usable(fra: World, text: str, code: str) -> None:
    net = fra.private("a", fra.shop)
    allocate(net, project=fra.shop, ip=ip_address("10.128.0.5"))
    with pytest.raises(ValidationError) as error:
        allocate(net, project=fra.shop, ip=ip_address(text))
    assert codes(error) == {"address": [code]}


def test_the_subnet_router_anycast_address_is_never_handed_out() -> None:
    fra = world(v6="2001:db8:128::/48")
    net = fra.private("a", fra.shop)
    with pytest.raises(ValidationError) as error:
        allocate(net, project=fra.shop, ip=ip_address("2001:db8:128::"))
    assert codes(error) == {"address": ["reserved"]}
    assert str(allocate(net, project=fra.shop, version=6)) == "2001:db8:128::1"


def test_a_picked_address_is_gone_when_released_and_a_named_one_stays(fra: World) -> None:
    net = fra.private("a", fra.shop)
    picked, named = (
        allocate(net, project=fra.shop),
        allocate(net, project=fra.shop, ip=ip_address("10.128.0.9")),
    )
    picked.release()
    named.release()
    assert list(Address.objects.values_list("address", "kind")) == [
        (ip_address("10.128.0.9"), "static")
    ]


def test_super_and_underlay_addresses_are_never_allocated_by_hand(fra: World) -> None:
    for net, code in ((fra.pool, "super_given"), (fra.fabric, "underlay_given")):
        with pytest.raises(ValidationError) as error:
            allocate(net, project=fra.shop)
        assert codes(error) == {"network": [code]}


def test_a_private_network_grows_by_the_next_free_prefix(fra: World) -> None:
    net, _ = fra.private("a", fra.shop), fra.private("b", fra.shop)
    assert str(grow(net, prefix_length=24)) == "10.128.8.0/24"
    assert usage([net]) == {"a": {"4": {"used": 0, "available": 1022 + 254, "kept_back": 0}}}


@pytest.mark.parametrize("cidr", ["10.128.0.0/23", "10.128.0.0/21", "10.128.0.128/25"])
def test_prefixes_never_overlap(fra: World, cidr: str) -> None:
    fra.private("a", fra.shop)
    other = fra.private("b", fra.shop)
    with pytest.raises(ValidationError) as error:
        grow(other, prefix=ip_network(cidr))
    assert codes(error) == {"cidr": ["overlap"]}


def test_what_is_in_use_is_not_removed(fra: World) -> None:
    net = fra.private("a", fra.shop)
    allocate(net, project=fra.shop)
    for row in (net, net.prefixes.get(), fra.pool, fra.pool.prefixes.get()):
        with pytest.raises(ValidationError) as error:
            row.delete()
        assert "(R15)" in str(error.value)


def test_a_partition_without_pool_refuses_with_that_reason(fra: World) -> None:
    bare = type(fra.partition)(id="bare", name="bare")
    bare.save()
    with pytest.raises(ValidationError) as error:
        create_private_network(name="x", partition=bare, project=fra.shop)
    assert codes(error) == {"partition": ["no_super"]}


class TestSharing:
    def test_who_when_and_why_are_kept_and_sharing_again_changes_nothing(self, fra: World) -> None:
        net = fra.private("a", fra.shop)
        net.share("ada", "for everyone")
        since = net.shared_at
        net.share("bob", "again")
        assert (net.shared, net.shared_by, net.shared_reason, net.shared_at) == (
            True,
            "ada",
            "for everyone",
            since,
        )

    def test_only_private_networks_are_shared(self, fra: World) -> None:
        for net in (fra.pool, fra.fabric, fra.internet):
            with pytest.raises(ValidationError) as error:
                net.share("ada")
            assert error.value.message_dict == {
                "shared": ["Only a private network can be shared (R1)."]
            }
            assert not Network.objects.get(pk=net.pk).shared

    def test_there_is_no_way_back_in_the_orm(self, fra: World) -> None:
        net = fra.private("a", fra.shop, shared=True)
        net.shared = False
        with pytest.raises(ValidationError) as error:
            net.save()
        assert "A shared network stays shared (R3)." in error.value.message_dict["shared"]

    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE networks_network SET shared = false, shared_at = NULL WHERE id = 'a'",
            "UPDATE networks_network SET shared_at = now() + interval '1 day' WHERE id = 'a'",
            "UPDATE networks_network SET vrf = 4711 WHERE id = 'a'",
            "UPDATE networks_network SET partition_id = NULL WHERE id = 'a'",
        ],
    )
    def test_nor_by_raw_sql(self, fra: World, sql: str) -> None:
        fra.private("a", fra.shop, shared=True)
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)


def test_prefix_rows_know_whether_they_were_carved(fra: World) -> None:
    fra.private("a", fra.shop)
    assert set(Prefix.objects.values_list("network__kind", "child")) == {
        ("private", True),
        ("super", False),
        ("underlay", False),
        ("external", False),
    }


def queries_of_second_family(fra: World, name: str, machines: int) -> int:
    """How many queries it takes to give a network of so many machines its second family."""
    net = fra.private(name, fra.shop)
    for number in range(machines):
        fra.machine(f"{name}-{number}", fra.shop, net)
    with CaptureQueriesContext(connection) as captured:
        grow(net, version=6, prefix_length=64)
    rows = Address.objects.filter(prefix__network=net, address__family=6).order_by("address")
    prefix = net.prefixes.get(cidr__family=6)
    assert [row.address for row in rows] == [
        prefix.cidr[number] for number in range(1, machines + 1)
    ]
    assert {row.kind for row in rows} == {"ephemeral"}
    assert rows.values("machine").distinct().count() == machines
    return len(captured)


def test_a_second_family_takes_as_many_queries_for_many_machines_as_for_few() -> None:
    fra = world(v6="2001:db8::/48")
    fra.pool.default_child_prefix_length = {"4": 22}
    fra.pool.save()
    assert queries_of_second_family(fra, "few", 2) == queries_of_second_family(fra, "many", 40)


def test_a_second_family_that_is_too_small_for_the_machines_there_is_refused() -> None:
    fra = world(v6="2001:db8::/48")
    net = fra.private("shop", fra.shop, prefix_length={4: 22})
    for number in range(4):
        fra.machine(f"m-{number}", fra.shop, net)
    with pytest.raises(ValidationError) as refused:
        grow(net, version=6, prefix_length=126)
    assert codes(refused) == {"cidr": ["exhausted"]}
    assert net.prefixes.count() == 1 and Address.objects.filter(address__family=6).count() == 0
