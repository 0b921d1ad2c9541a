"""Allocating machines and firewalls, joining and leaving: R2 and R4 to R11, R16."""

from collections.abc import Callable
from functools import partial
from ipaddress import ip_address

import pytest
from django.core.exceptions import ValidationError

from firewalls.allocation import join, leave
from firewalls.models import Firewall
from machines.allocation import Request, free_machine
from machines.models import Machine
from networks.allocation import allocate
from networks.models import Address
from tests.world import World, network, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def fra() -> World:
    return world()


def refused(action: Callable[[], object]) -> dict[str, list[str | None]]:
    """The codes by field with which the action is refused; nothing may be left behind."""
    before = (Machine.objects.count(), Firewall.objects.count(), Address.objects.count())
    with pytest.raises(ValidationError) as error:
        action()
    assert before == (Machine.objects.count(), Firewall.objects.count(), Address.objects.count())
    return {field: [one.code for one in errors] for field, errors in error.value.error_dict.items()}


def addresses(firewall: Firewall) -> dict[str, list[str]]:
    by_network: dict[str, list[str]] = {}
    for address in firewall.machine.addresses.select_related("prefix"):
        by_network.setdefault(address.prefix.network_id, []).append(str(address))
    return by_network


def test_a_firewall_gets_an_address_in_each_network_and_its_router_id_by_itself(fra: World) -> None:
    shop, storage = fra.private("shop", fra.shop), fra.private("storage", fra.storage, shared=True)
    firewall = fra.firewall("shop-fw", fra.shop, shop, storage, fra.internet)
    assert addresses(firewall) == {
        "shop": ["10.128.0.1"],
        "storage": ["10.128.4.1"],
        "internet-fra": ["203.0.113.1"],
        "underlay-fra": ["10.4.0.1"],
    }
    assert firewall.router_id == ip_address("10.4.0.1") and firewall.machine.asn == 4210000001
    assert {a.network_id: a.role for a in firewall.attachments.all()} == {
        "storage": "shared",
        "internet-fra": "external",
        "underlay-fra": "underlay",
    }


def test_dual_stack_gives_an_address_per_family() -> None:
    fra = world(v6="2001:db8:128::/48")
    machine = fra.machine("m", fra.shop, fra.private("shop", fra.shop))
    assert [str(address) for address in machine.addresses.all()] == [
        "10.128.0.1",
        "2001:db8:128::1",
    ]


class TestMachines:
    def test_live_in_exactly_one_network(self, fra: World) -> None:
        shop, storage = (
            fra.private("shop", fra.shop),
            fra.private("storage", fra.storage, shared=True),
        )
        assert refused(lambda: fra.machine("m", fra.shop, shop, storage)) == {
            "networks": ["several_networks"]
        }

    def test_live_in_a_network_of_their_own_project(self, fra: World) -> None:
        storage = fra.private("storage", fra.storage, shared=True)
        assert refused(lambda: fra.machine("m", fra.shop, storage)) == {
            "networks": ["other_project"]
        }

    def test_live_in_a_network_of_their_own_partition(self, fra: World) -> None:
        muc = world("muc", "10.132.0.0/14", "10.5.0.0/16", number=1)
        elsewhere = muc.private("elsewhere", muc.shop)
        assert refused(lambda: fra.machine("m", fra.shop, elsewhere)) == {
            "networks": ["other_partition"]
        }

    def test_live_in_a_private_network(self, fra: World) -> None:
        assert refused(lambda: fra.machine("m", fra.shop, fra.internet)) == {
            "networks": ["no_private"]
        }
        assert "not_explicit" in str(refused(lambda: fra.machine("m", fra.shop, fra.pool)))

    def test_without_an_address_are_refused(self, fra: World) -> None:
        shop = fra.private("shop", fra.shop)
        assert refused(lambda: fra.machine("m", fra.shop, shop, auto=False)) == {
            "addresses": ["no_address"]
        }

    def test_may_be_producers_in_a_shared_network(self, fra: World) -> None:
        storage = fra.private("storage", fra.storage, shared=True)
        node = fra.machine("node", fra.storage, storage, addresses=["10.128.0.11"])
        assert list(Machine.objects.producers()) == [node]
        assert [(str(a), a.kind) for a in node.addresses.all()] == [("10.128.0.11", "static")]


class TestBroughtAddresses:
    def test_must_lie_in_a_given_network(self, fra: World) -> None:
        shop = fra.private("shop", fra.shop)
        assert refused(lambda: fra.machine("m", fra.shop, shop, addresses=["10.9.9.9"])) == {
            "addresses": ["outside_networks"]
        }

    def test_must_be_free(self, fra: World) -> None:
        shop = fra.private("shop", fra.shop)
        fra.machine("m", fra.shop, shop, addresses=["10.128.0.7"])
        assert refused(lambda: fra.machine("n", fra.shop, shop, addresses=["10.128.0.7"])) == {
            "addresses": ["taken"]
        }

    def test_must_belong_to_the_project(self, fra: World) -> None:
        shop, storage = (
            fra.private("shop", fra.shop),
            fra.private("storage", fra.storage, shared=True),
        )
        allocate(storage, project=fra.storage, ip=ip_address("10.128.4.9"))
        assert refused(
            lambda: fra.firewall("fw", fra.shop, shop, storage, addresses=["10.128.4.9"])
        ) == {"addresses": ["other_project"]}

    def test_reserved_earlier_are_used(self, fra: World) -> None:
        shop = fra.private("shop", fra.shop)
        row = allocate(shop, project=fra.shop, ip=ip_address("10.128.0.9"))
        machine = fra.machine("m", fra.shop, shop, addresses=["10.128.0.9"])
        assert list(machine.addresses.all()) == [row]

    def test_switch_their_network_to_noauto(self) -> None:
        fra = world(v6="2001:db8:128::/48")
        shop = fra.private("shop", fra.shop)
        assert refused(lambda: fra.machine("m", fra.shop, shop, addresses=["10.128.0.9"])) == {
            "addresses": ["no_address"]
        }


class TestPrimary:
    def test_is_the_unshared_one(self, fra: World) -> None:
        storage, shop = (
            fra.private("storage", fra.storage, shared=True),
            fra.private("shop", fra.shop),
        )
        assert fra.firewall("fw", fra.shop, storage, shop).primary == shop

    def test_two_unshared_private_networks_are_refused(self, fra: World) -> None:
        one, two = fra.private("one", fra.shop), fra.private("two", fra.shop)
        assert refused(lambda: fra.firewall("fw", fra.shop, one, two)) == {
            "networks": ["second_unshared"]
        }

    def test_among_shared_ones_is_the_only_one_of_the_own_project(self, fra: World) -> None:
        own, other = (
            fra.private("own", fra.storage, shared=True),
            fra.private("other", fra.shop, shared=True),
        )
        assert fra.firewall("fw", fra.storage, other, own).primary == own

    def test_among_several_own_shared_ones_must_be_marked(self, fra: World) -> None:
        one, two = (
            fra.private("one", fra.storage, shared=True),
            fra.private("two", fra.storage, shared=True),
        )
        assert refused(lambda: fra.firewall("fw", fra.storage, one, two)) == {
            "networks": ["ambiguous_primary"]
        }
        marked = fra.firewall(
            "fw", fra.storage, networks=[Request(one), Request(two, primary=True)]
        )
        assert marked.primary == two

    def test_of_another_project_is_refused(self, fra: World) -> None:
        storage = fra.private("storage", fra.storage, shared=True)
        assert refused(lambda: fra.firewall("fw", fra.shop, storage)) == {
            "networks": ["no_primary"]
        }

    def test_stays_when_it_is_shared_later_while_consuming_another(self, fra: World) -> None:
        shop, storage = (
            fra.private("shop", fra.shop),
            fra.private("storage", fra.storage, shared=True),
        )
        firewall = fra.firewall("fw", fra.shop, shop, storage)
        shop.share("ada")
        firewall.machine.refresh_from_db()
        firewall.machine.full_clean()
        assert firewall.primary == shop and firewall.attachments.filter(network=storage).exists()


class TestRequests:
    def test_name_each_network_once(self, fra: World) -> None:
        shop = fra.private("shop", fra.shop)
        assert (
            refused(lambda: fra.firewall("fw", fra.shop, shop, shop))["networks"][0]
            == "not_distinct"
        )

    def test_never_name_pool_or_fabric(self, fra: World) -> None:
        shop = fra.private("shop", fra.shop)
        for net in (fra.pool, fra.fabric):
            assert refused(partial(fra.firewall, "fw", fra.shop, shop, net)) == {
                "networks": ["not_explicit"]
            }

    def test_need_a_partition_with_an_underlay(self, fra: World) -> None:
        shop = fra.private("shop", fra.shop)
        fra.fabric.delete()
        assert refused(lambda: fra.firewall("fw", fra.shop, shop)) == {"partition": ["no_underlay"]}

    def test_do_not_reach_into_other_partitions_or_projects(self, fra: World) -> None:
        muc = world("muc", "10.132.0.0/14", "10.5.0.0/16", number=1)
        shop, far = fra.private("shop", fra.shop), muc.private("far", muc.storage, shared=True)
        mpls = network(
            "mpls",
            "external",
            "100.127.129.0/24",
            vrf=104055,
            partition=fra.partition,
            project=fra.storage,
        )
        assert refused(lambda: fra.firewall("fw", fra.shop, shop, far)) == {
            "networks": ["other_partition"]
        }
        assert refused(lambda: fra.firewall("fw", fra.shop, shop, mpls)) == {
            "networks": ["other_project"]
        }


class TestJoining:
    @pytest.fixture
    def firewall(self, fra: World) -> Firewall:
        return fra.firewall("shop-fw", fra.shop, fra.private("shop", fra.shop), fra.internet)

    def test_and_leaving_work_after_creation(self, fra: World, firewall: Firewall) -> None:
        storage = fra.private("storage", fra.storage, shared=True)
        join(firewall, storage)
        assert addresses(firewall)["storage"] == ["10.128.4.1"]
        leave(firewall, storage)
        assert (
            "storage" not in addresses(firewall)
            and not Address.objects.filter(prefix__network=storage).exists()
        )

    def test_a_brought_address_stays_reserved_after_leaving(
        self, fra: World, firewall: Firewall
    ) -> None:
        storage = fra.private("storage", fra.storage, shared=True)
        join(firewall, storage, addresses=[ip_address("10.128.4.100")])
        leave(firewall, storage)
        kept = Address.objects.get(address="10.128.4.100")
        assert (kept.machine, kept.project, kept.kind) == (None, fra.shop, "static")

    def test_is_refused_for_what_a_firewall_may_not_join(
        self, fra: World, firewall: Firewall
    ) -> None:
        muc = world("muc", "10.132.0.0/14", "10.5.0.0/16", number=1)
        far = muc.private("far", muc.storage, shared=True)
        unshared = fra.private("unshared", fra.shop)
        own = fra.private("own", fra.storage, shared=True)
        owner = fra.firewall("owner-fw", fra.storage, own)
        join(firewall, own)
        assert refused(lambda: join(firewall, own)) == {"network": ["joined_already"]}
        assert refused(lambda: join(firewall, far)) == {"network": ["other_partition"]}
        assert refused(lambda: join(firewall, unshared)) == {"network": ["second_unshared"]}
        assert refused(lambda: join(firewall, fra.pool)) == {"network": ["not_explicit"]}
        assert refused(lambda: join(owner, own)) == {"network": ["own_primary"]}

    def test_a_full_network_refuses_and_leaves_no_attachment(
        self, fra: World, firewall: Firewall
    ) -> None:
        full = fra.private("full", fra.storage, shared=True, prefix_length={4: 30})
        for _ in range(2):
            allocate(full, project=fra.storage)
        assert refused(lambda: join(firewall, full)) == {"network": ["exhausted"]}
        assert not firewall.attachments.filter(network=full).exists()

    def test_the_primary_and_the_underlay_are_not_left(
        self, fra: World, firewall: Firewall
    ) -> None:
        assert refused(lambda: leave(firewall, firewall.primary)) == {"network": ["primary"]}
        assert refused(lambda: leave(firewall, fra.fabric)) == {"network": ["underlay"]}


def test_freeing_a_firewall_releases_picked_addresses_and_keeps_brought_ones(fra: World) -> None:
    shop = fra.private("shop", fra.shop)
    firewall = fra.firewall("fw", fra.shop, shop, fra.internet, addresses=["203.0.113.77"])
    free_machine(firewall.machine)
    assert [str(address) for address in Address.objects.all()] == ["203.0.113.77"]
    assert not Firewall.objects.exists() and not Machine.objects.exists()
    shop.delete()
