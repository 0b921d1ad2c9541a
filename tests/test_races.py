"""Two writers at once, in real threads on a real PostgreSQL: one wins, a rule refuses the other."""

from functools import partial

import pytest

from firewalls.allocation import join
from firewalls.models import Attachment, Firewall, Push
from firewalls.pushing.claiming import claim_push
from machines.allocation import free_machine
from networks.allocation import allocate
from networks.models import Address, Network
from tests.threads import at_once, refusals
from tests.world import World, world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fra() -> World:
    return world()


def test_many_allocations_in_one_network_take_distinct_lowest_addresses(fra: World) -> None:
    net = fra.private("shop", fra.shop)
    for _ in range(3):
        at_once(*[lambda: allocate(net, project=fra.shop) for _ in range(8)])
    found = [
        int(address) - int(net.prefixes.get().cidr.network_address)
        for address in Address.objects.values_list("address", flat=True)
    ]
    assert sorted(found) == list(range(1, 25))


def test_allocating_while_freeing_loses_no_address(fra: World) -> None:
    net = fra.private("tiny", fra.shop, prefix_length={4: 29})
    taken = [allocate(net, project=fra.shop) for _ in range(3)]
    at_once(
        *[lambda a=a: a.release() for a in taken],
        *[lambda: allocate(net, project=fra.shop) for _ in range(3)],
    )
    assert Address.objects.count() == 3


def test_one_address_named_twice_has_one_winner(fra: World) -> None:
    net = fra.private("shop", fra.shop)
    for round_ in range(5):
        address = f"10.128.0.{50 + round_}"
        results = at_once(
            *[
                lambda n=n, a=address: fra.machine(f"m{n}", fra.shop, net, addresses=[a])
                for n in range(2)
            ]
        )
        assert refusals(results) == ["taken"]
        assert Address.objects.filter(address=address).count() == 1


def test_the_last_child_prefix_has_one_winner() -> None:
    fra = world(pool="10.128.0.0/22")
    results = at_once(*[lambda n=n: fra.private(f"net{n}", fra.shop) for n in range(2)])
    assert (
        refusals(results) == ["exhausted"] and Network.objects.filter(kind="private").count() == 1
    )


def test_two_networks_made_at_once_get_different_vrfs_and_prefixes(fra: World) -> None:
    results = at_once(*[lambda n=n: fra.private(f"net{n}", fra.shop) for n in range(4)])
    assert refusals(results) == []
    rows = Network.objects.filter(kind="private")
    assert len({row.vrf for row in rows}) == 4 and len({row.prefixes_text for row in rows}) == 4


def test_two_joins_of_one_firewall_give_one_attachment(fra: World) -> None:
    firewall = fra.firewall("fw", fra.shop, fra.private("shop", fra.shop))
    storage = fra.private("storage", fra.storage, shared=True)
    results = at_once(
        *[lambda: join(Firewall.objects.get(pk=firewall.pk), storage) for _ in range(2)]
    )
    assert refusals(results) == ["joined_already"]
    assert Attachment.objects.filter(network=storage).count() == 1
    assert firewall.machine.addresses.filter(prefix__network=storage).count() == 1


def test_different_networks_joined_at_once_are_both_in_the_wanted_configuration(fra: World) -> None:
    firewall = fra.firewall("fw", fra.shop, fra.private("shop", fra.shop))
    shared = [fra.private(f"shared{n}", fra.storage, shared=True) for n in range(3)]
    assert (
        refusals(
            at_once(*[lambda n=n: join(Firewall.objects.get(pk=firewall.pk), n) for n in shared])
        )
        == []
    )
    firewall.refresh_from_db()
    assert firewall.wanted is not None
    assert all(f"vrf{net.vrf}\n" in firewall.wanted.files["/etc/frr/frr.conf"] for net in shared)


def test_sharing_at_once_keeps_the_first_who_and_why(fra: World) -> None:
    net = fra.private("shop", fra.shop)
    at_once(
        *[
            lambda n=n: Network.objects.get(pk="shop").share(f"user{n}", f"reason{n}")
            for n in range(4)
        ]
    )
    net.refresh_from_db()
    assert net.shared and net.shared_reason == net.shared_by.replace("user", "reason")


def test_a_network_deleted_while_it_is_allocated_from_is_whole_or_gone(fra: World) -> None:
    for round_ in range(5):
        net = fra.private(f"net{round_}", fra.shop)
        at_once(Network.objects.get(pk=net.pk).delete, partial(allocate, net, project=fra.shop))
        exists = Network.objects.filter(pk=f"net{round_}").exists()
        assert Address.objects.filter(prefix__network=f"net{round_}").count() == int(exists)


def test_joining_a_firewall_that_is_being_freed_leaves_no_address(fra: World) -> None:
    storage = fra.private("storage", fra.storage, shared=True)
    shop = fra.private("shop", fra.shop)
    for round_ in range(5):
        firewall = fra.firewall(f"fw{round_}", fra.shop, shop)
        at_once(
            partial(free_machine, firewall.machine),
            partial(join, Firewall.objects.get(pk=firewall.pk), storage),
        )
        left = Address.objects.filter(machine=None)
        assert not left.exists()


def test_a_push_is_claimed_by_one_worker_only(fra: World) -> None:
    firewall = fra.firewall("fw", fra.shop, fra.private("shop", fra.shop))
    pushes = at_once(*[lambda: Push.objects.enqueue(firewall) for _ in range(4)])
    assert len({push.pk for push in pushes if isinstance(push, Push)}) == 1
    (push,) = Push.objects.all()
    claims = at_once(*[lambda: claim_push(push.pk) for _ in range(4)])
    assert len([claim for claim in claims if claim is not None]) == 1
