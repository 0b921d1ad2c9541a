"""What a naive reading of the rules gets wrong.

What is full, grows or is small, which network is primary, and what a failure leaves behind.
"""

from collections.abc import Callable
from functools import partial
from ipaddress import ip_address, ip_network

import pytest
from django.core.exceptions import ValidationError

from firewalls.allocation import join
from firewalls.models import Firewall
from machines.allocation import Request
from machines.models import Machine
from networks.allocation import allocate, create_network, grow
from networks.models import Address, Network, Prefix
from networks.pools import free_blocks
from tests.world import World, network, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def fra() -> World:
    return world(v6="2001:db8:128::/48")


def refused(action: Callable[[], object]) -> dict[str, list[str]]:
    """The sentences by field with which the action is refused; nothing may be left behind."""
    before = everything()
    with pytest.raises(ValidationError) as error:
        action()
    assert everything() == before
    return error.value.message_dict


def everything() -> list[object]:
    counts: list[object] = [
        model.objects.count() for model in (Network, Prefix, Address, Machine, Firewall)
    ]
    return [*counts, free_blocks(list(Prefix.objects.values_list("pk", flat=True)))]


def own(row: Machine | Firewall, net: Network) -> list[str]:
    machine = row.machine if isinstance(row, Firewall) else row
    return [str(address) for address in machine.addresses.filter(prefix__network=net)]


class TestWhatIsFullSaysWhichAndHowFull:
    def test_a_pool(self) -> None:
        fra = world(pool="10.128.0.0/22", v6="2001:db8:128::/63")
        fra.private("a", fra.shop, prefix_length={4: 23})
        fra.private("b", fra.shop, prefix_length={4: 24, 6: 64})
        assert refused(lambda: fra.private("c", fra.shop, prefix_length={4: 23})) == {
            "prefix_length": [
                "super-fra (10.128.0.0/22) has no free /23 left: "
                "2 child prefixes taken, the largest free one is a /24 (R13)."
            ]
        }
        fra.private("d", fra.shop, prefix_length={6: 64})
        assert refused(lambda: fra.private("e", fra.shop, prefix_length={4: 24, 6: 64})) == {
            "prefix_length": [
                "super-fra (2001:db8:128::/63) has no free /64 left: "
                "2 child prefixes taken, nothing is free (R13)."
            ]
        }

    def test_a_pool_without_that_family(self) -> None:
        fra = world()
        assert refused(lambda: fra.private("a", fra.shop, prefix_length={6: 64})) == {
            "prefix_length": [
                "super-fra (no IPv6 prefix) has no free /64 left: "
                "0 child prefixes taken, nothing is free (R13)."
            ]
        }

    def test_a_network_of_either_family(self, fra: World) -> None:
        tiny = fra.private("tiny", fra.shop, prefix_length={4: 29, 6: 127})
        for _ in range(2):
            allocate(tiny, project=fra.shop, version=6)
        full = "tiny has no free IPv6 address left: 2 of 2 are taken (R12)."
        assert refused(lambda: allocate(tiny, project=fra.shop, version=6)) == {"network": [full]}
        assert refused(lambda: fra.machine("web", fra.shop, tiny)) == {"networks": [full]}
        assert str(allocate(tiny, project=fra.shop, version=4)) == "10.128.0.1"

    def test_the_underlay(self) -> None:
        fra = world(fabric="10.4.0.0/30")
        shop = fra.private("shop", fra.shop)
        for number in range(2):
            fra.firewall(f"fw-{number}", fra.shop, shop)
        assert refused(lambda: fra.firewall("fw-2", fra.shop, shop)) == {
            "networks": ["underlay-fra has no free IPv4 address left: 2 of 2 are taken (R12)."]
        }

    def test_the_numbers_of_vrfs_and_autonomous_systems(
        self, fra: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shop = fra.private("shop", fra.shop)
        fra.machine("web", fra.shop, shop)
        monkeypatch.setattr("networks.allocation.networks.POOL", range(1, 2))
        monkeypatch.setattr("machines.allocation.POOL", range(1, 2))
        assert refused(lambda: fra.private("next", fra.shop)) == {
            "vrf": ["No VRF id is free any more: all of 1 to 1 are taken (R14)."]
        }
        assert refused(lambda: create_network(id="out", kind="external")) == {
            "vrf": ["No VRF id is free any more: all of 1 to 1 are taken (R14)."]
        }
        assert refused(lambda: fra.machine("next", fra.shop, shop)) == {
            "asn": ["No AS number is free any more: all of 4210000001 to 4210000001 are taken."]
        }


class TestGrowing:
    def test_several_prefixes_are_filled_in_order_of_address(self, fra: World) -> None:
        net = fra.private("net", fra.shop, prefix_length={4: 31})
        fra.private("between", fra.shop, prefix_length={4: 31})
        grow(net, prefix_length=30)
        taken = [str(allocate(net, project=fra.shop)) for _ in range(4)]
        assert taken == ["10.128.0.0", "10.128.0.1", "10.128.0.5", "10.128.0.6"]
        Address.objects.get(address="10.128.0.1").delete()
        assert str(allocate(net, project=fra.shop)) == "10.128.0.1"

    def test_a_new_family_reaches_whoever_is_there_already(self, fra: World) -> None:
        storage = fra.private("storage", fra.storage, shared=True, prefix_length={4: 28})
        node = fra.machine("node", fra.storage, storage)
        consumer = fra.firewall("fw", fra.shop, fra.private("shop", fra.shop), storage)
        reserved = allocate(storage, project=fra.shop, ip=ip_address("10.128.0.9"))
        grow(storage, prefix=ip_network("2001:db8:128:99::/64"))
        assert {*own(node, storage), *own(consumer, storage)} == {
            "10.128.0.1",
            "10.128.0.2",
            "2001:db8:128:99::1",
            "2001:db8:128:99::2",
        }
        assert [len(own(one, storage)) for one in (node, consumer)] == [2, 2]
        assert reserved.machine is None

    def test_a_second_prefix_of_a_family_gives_nobody_a_second_address(self, fra: World) -> None:
        net = fra.private("net", fra.shop)
        web = fra.machine("web", fra.shop, net)
        grow(net, prefix_length=24)
        assert own(web, net) == ["10.128.0.1", "2001:db8:128::1"]

    def test_a_new_family_without_room_for_all_is_refused(self, fra: World) -> None:
        net = fra.private("net", fra.shop, prefix_length={4: 28})
        for number in range(3):
            fra.machine(f"web-{number}", fra.shop, net)
        assert refused(lambda: grow(net, prefix=ip_network("2001:db8:128:99::/127"))) == {
            "cidr": ["net has no free IPv6 address left: 2 of 2 are taken (R12)."]
        }


@pytest.mark.parametrize(
    ("lengths", "hosts"),
    [({4: 32}, 1), ({4: 31}, 2), ({4: 30}, 2), ({6: 128}, 1), ({6: 127}, 2), ({6: 126}, 3)],
)
def test_small_private_networks_hold_as_many_machines_as_their_rfc_says(
    fra: World, lengths: dict[int, int], hosts: int
) -> None:
    net = fra.private("small", fra.shop, prefix_length=lengths)
    machines = [fra.machine(f"web-{number}", fra.shop, net) for number in range(hosts)]
    assert len({address for machine in machines for address in own(machine, net)}) == hosts
    assert (
        f"{hosts} of {hosts} are taken"
        in refused(lambda: fra.machine("more", fra.shop, net))["networks"][0]
    )


class TestThePrimary:
    @pytest.fixture
    def two(self, fra: World) -> tuple[Network, Network]:
        return fra.private("one", fra.storage, shared=True), fra.private(
            "two", fra.storage, shared=True
        )

    def test_is_the_unshared_one_even_where_a_shared_one_is_marked(
        self, fra: World, two: tuple[Network, Network]
    ) -> None:
        home = fra.private("home", fra.storage)
        firewall = fra.firewall(
            "fw", fra.storage, networks=[Request(two[0], primary=True), Request(home)]
        )
        assert firewall.primary == home

    def test_is_ambiguous_where_two_are_marked(
        self, fra: World, two: tuple[Network, Network]
    ) -> None:
        requests = [Request(net, primary=True) for net in two]
        assert refused(lambda: fra.firewall("fw", fra.storage, networks=requests)) == {
            "networks": [
                "one, two could each be the primary network; mark one with primary: true (R5)."
            ]
        }

    def test_stays_when_it_is_shared_and_joined_by_others(
        self, fra: World, two: tuple[Network, Network]
    ) -> None:
        home = fra.private("home", fra.shop)
        firewall = fra.firewall("fw", fra.shop, home, two[0])
        home.share("ada")
        other = fra.firewall(
            "other",
            fra.analytics,
            fra.private("theirs", fra.analytics),
            Network.objects.get(pk="home"),
        )
        again = Firewall.objects.get(pk=firewall.pk)
        join(again, two[1])
        again.machine.full_clean()
        assert again.primary == home and {one.network_id for one in again.attachments.all()} == {
            "one",
            "two",
            "underlay-fra",
        }
        assert other.attachments.filter(network=home).exists()


class TestNamedAddresses:
    def test_are_a_matter_of_each_network_by_itself(self, fra: World) -> None:
        """Where one is named, no other is picked in that network; elsewhere they are."""
        shop, storage = (
            fra.private("shop", fra.shop),
            fra.private("storage", fra.storage, shared=True),
        )
        firewall = fra.firewall(
            "fw", fra.shop, shop, storage, addresses=["10.128.4.9", "2001:db8:128:1::9"]
        )
        assert own(firewall, storage) == ["10.128.4.9", "2001:db8:128:1::9"]
        assert own(firewall, shop) == ["10.128.0.1", "2001:db8:128::1"]

    def test_may_be_several_of_one_family(self, fra: World) -> None:
        net = fra.private("net", fra.shop, prefix_length={4: 24})
        assert own(
            fra.machine("web", fra.shop, net, addresses=["10.128.0.8", "10.128.0.9"]), net
        ) == ["10.128.0.8", "10.128.0.9"]

    def test_are_taken_when_named_twice(self, fra: World) -> None:
        net = fra.private("net", fra.shop, prefix_length={4: 24})
        taken = {"addresses": ["10.128.0.8 is already taken, by web (R12)."]}
        assert (
            refused(
                lambda: fra.machine("web", fra.shop, net, addresses=["10.128.0.8", "10.128.0.8"])
            )
            == taken
        )

    def test_stay_reserved_even_if_they_were_picked_once(self, fra: World) -> None:
        net = fra.private("net", fra.shop, prefix_length={4: 24})
        row = allocate(net, project=fra.shop)
        assert row.kind == Address.Kind.EPHEMERAL
        web = fra.machine("web", fra.shop, net, addresses=[str(row)])
        assert web.addresses.get().kind == Address.Kind.STATIC


def test_a_project_bound_external_network_serves_that_project_alone(fra: World) -> None:
    mpls = network("mpls", "external", "100.127.0.0/24", vrf=900, project=fra.storage)
    own_one = fra.firewall("storage-fw", fra.storage, fra.private("storage", fra.storage), mpls)
    shop = fra.private("shop", fra.shop)
    assert own_one.attachments.filter(network=mpls).exists()
    sentence = "mpls serves project storage-team alone (R7)."
    assert refused(lambda: fra.firewall("fw", fra.shop, shop, mpls)) == {"networks": [sentence]}
    firewall = fra.firewall("fw", fra.shop, shop)
    assert refused(partial(join, firewall, mpls)) == {"network": [sentence]}
    assert refused(lambda: allocate(mpls, project=fra.shop)) == {"project": [sentence]}


def test_what_failed_halfway_leaves_no_hole(fra: World) -> None:
    """What a refused request had picked is picked by the next one: numbers, prefixes, addresses."""
    link = fra.private("link", fra.shop, prefix_length={4: 24, 6: 128})
    first = fra.machine("first", fra.shop, link)
    refused(
        lambda: fra.machine("refused", fra.shop, link)
    )  # after its AS number and IPv4 address were picked
    refused(
        lambda: fra.private("refused", fra.shop, prefix_length={4: 24, 6: 47})
    )  # after its VRF id and IPv4 prefix were
    grow(link, prefix_length=126, version=6)
    second, net = (
        fra.machine("second", fra.shop, link),
        fra.private("net", fra.shop, prefix_length={4: 24}),
    )
    assert (second.asn, own(second, link)[0]) == (first.asn + 1, "10.128.0.2")
    assert (
        net.vrf is not None
        and link.vrf is not None
        and (net.vrf, net.prefixes_text) == (link.vrf + 1, "10.128.1.0/24")
    )
