"""How full networks are, exactly: by family and by prefix, for a thousand of them as for one."""

from ipaddress import ip_network
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from firewalls.allocation import free_firewall, join, leave
from firewalls.models import Firewall
from networks.allocation import allocate, grow
from networks.common.addressing import capacity
from networks.models import Address, Carried, Network, Prefix
from networks.usage import usage, usage_by_prefix
from tests.api import Api
from tests.pages import queries, says, visitor
from tests.world import World, network, world

pytestmark = pytest.mark.django_db
MANY = 1000


@pytest.fixture
def fra() -> World:
    return world(pool="10.128.0.0/14", v6="2001:db8:128::/48")


def a_thousand(fra: World) -> list[Network]:
    """Private networks of both families, in bulk, and an address in every seventh of them."""
    nets = [
        Network(
            id=f"n{n:04}",
            name=f"n{n:04}",
            kind="private",
            partition=fra.partition,
            project=fra.shop,
            parent=fra.pool,
            vrf=20_000 + n,
        )
        for n in range(MANY)
    ]
    Network.objects.bulk_create(nets)
    v4, v6 = (
        ip_network("10.128.0.0/14").subnets(new_prefix=26),
        ip_network("2001:db8:128::/48").subnets(new_prefix=64),
    )
    prefixes = [
        Prefix(network=net, cidr=cidr, child=True) for net in nets for cidr in (next(v4), next(v6))
    ]
    Prefix.objects.bulk_create(prefixes)
    Address.objects.bulk_create(
        Address(address=one.cidr[5], prefix=one, project=fra.shop) for one in prefixes[::7]
    )
    return nets


def counted(action: object) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert callable(action)
        action()
    return len(captured)


def test_a_thousand_networks_take_as_many_queries_as_one(fra: World) -> None:
    nets = a_thousand(fra)
    assert counted(lambda: usage(nets)) == counted(lambda: usage(nets[:1])) == 2
    by_network = usage_by_prefix(nets)
    for prefix in Prefix.objects.filter(network__in=nets):
        used, available = prefix.addresses.count(), capacity(prefix.cidr)
        assert by_network[prefix.network_id][prefix.cidr] == {
            "used": used,
            "available": available,
            "kept_back": 0,
            "free": available - used,
        }
    assert usage([fra.pool])["super-fra"] == {
        "4": {"used": MANY * 64, "available": 2**18, "kept_back": 0},
        "6": {"used": MANY * 2**64, "available": 2**80, "kept_back": 0},
    }


def test_lists_of_them_do_so_too(fra: World) -> None:
    api, client = Api("viewer"), visitor()
    few = [counted(lambda: api.get("networks/?limit=1000")), queries(client, "/networks/")]
    a_thousand(fra)
    assert [counted(lambda: api.get("networks/?limit=1000")), queries(client, "/networks/")] == few


class TestByPrefix:
    def test_each_prefix_is_counted_by_itself_and_the_family_is_their_sum(self, fra: World) -> None:
        net = fra.private("shop", fra.shop, prefix_length={4: 29, 6: 127})
        grow(net, prefix_length=31)
        taken = [
            allocate(net, project=fra.shop, version=version) for version in (4, 4, 4, 4, 4, 4, 4, 6)
        ]
        taken[1].delete()
        answer = Api("viewer").get("networks/shop/").json()
        by_prefix = {cidr: plain(row) for cidr, row in answer["usage_by_prefix"].items()}
        assert by_prefix == {
            "10.128.0.0/29": {"used": 5, "available": 6, "kept_back": 0, "free": 1},
            "10.128.0.8/31": {"used": 1, "available": 2, "kept_back": 0, "free": 1},
            "2001:db8:128::/127": {"used": 1, "available": 2, "kept_back": 0, "free": 1},
        }
        usage = {family: plain(row) for family, row in answer["usage"].items()}
        assert usage == {
            "4": {"used": 6, "available": 8, "kept_back": 0},
            "6": {"used": 1, "available": 2, "kept_back": 0},
        }

    @pytest.mark.parametrize(
        ("cidr", "available"),
        [
            ("198.18.0.4/32", 1),
            ("198.18.0.4/31", 2),
            ("198.18.0.4/30", 2),
            ("2001:db8::1/128", 1),
            ("2001:db8::/126", 3),
            ("2001:db8::/64", 2**64 - 1),
        ],
    )
    def test_what_is_never_handed_out_is_not_counted(
        self, fra: World, cidr: str, available: int
    ) -> None:
        net = network("lan", "external", cidr, vrf=7)
        assert usage_by_prefix([net])["lan"] == {
            ip_network(cidr): {"used": 0, "available": available, "kept_back": 0, "free": available}
        }

    def test_of_a_super_network_it_is_what_was_carved(self, fra: World) -> None:
        Prefix(network=fra.pool, cidr="10.140.0.0/16").save()
        fra.private("a", fra.shop, prefix_length={4: 24})
        fra.private("b", fra.shop, prefix_length={4: 16})
        usage = usage_by_prefix([Network.objects.get(pk="super-fra")])["super-fra"]
        assert usage[ip_network("10.128.0.0/14")] == {
            "used": 2**8 + 2**16,
            "available": 2**18,
            "kept_back": 0,
            "free": 2**18 - 2**16 - 2**8,
        }
        assert usage[ip_network("10.140.0.0/16")] == {
            "used": 0,
            "available": 2**16,
            "kept_back": 0,
            "free": 2**16,
        }

    def test_the_page_says_so(self, fra: World) -> None:
        net = fra.private("shop", fra.shop, prefix_length={4: 29})
        grow(net, prefix_length=24)
        for _ in range(2):
            allocate(net, project=fra.shop)
        page = visitor().get("/networks/shop/").content.decode()
        assert "2 of 6" in page and "0 of 254" in page
        assert "264 of 262,144" in visitor().get("/networks/super-fra/").content.decode()


class TestWhatIsKeptBack:
    """Neither used nor free: nobody has it, and nobody gets it (R16)."""

    @pytest.fixture
    def left(self, fra: World) -> Firewall:
        storage = fra.private("storage", fra.storage, shared=True, prefix_length={4: 30})
        firewall = fra.firewall("fw", fra.shop, fra.private("shop", fra.shop), storage)
        of = {"box": firewall.pk, "firewall": "fw", "machine": firewall.pk, "network": "storage"}
        (own,) = firewall.machine.addresses.filter(prefix__network="storage")
        Carried.objects.create(address=own.address, **of)
        assert count() == {"used": 1, "available": 2, "kept_back": 0}
        leave(firewall, storage)
        return firewall

    def test_is_counted_by_itself(self, left: Firewall, fra: World) -> None:
        assert count() == {"used": 0, "available": 2, "kept_back": 1}
        shown = Api("viewer").get("networks/storage/").json()
        (by_prefix,) = shown["usage_by_prefix"].values()
        assert plain(by_prefix) == count() | {"free": 1}
        other = fra.firewall("other", fra.shop, fra.private("other", fra.shop))
        join(other, Network.objects.get(pk="storage"))
        third = fra.firewall("third", fra.shop, fra.private("third", fra.shop))
        with pytest.raises(ValidationError, match="1 of 2 are taken, 1 are kept back"):
            join(third, Network.objects.get(pk="storage"))

    def test_is_still_used_where_its_project_has_it_reserved(self, left: Firewall) -> None:
        storage, kept = Network.objects.get(pk="storage"), Carried.objects.get()
        assert kept.address is not None
        join(left, storage, addresses=[kept.address])
        leave(left, storage)
        assert Carried.objects.left().exists() and Address.objects.filter(machine=None).exists()
        assert count() == {"used": 1, "available": 2, "kept_back": 0}

    def test_is_said_on_the_page_which_leads_to_where_it_is_said_to_be_gone(
        self, left: Firewall
    ) -> None:
        operator = visitor("operator")
        page = operator.get("/networks/storage/")
        assert says(page, "0 of 2 1 kept back") and says(operator.get("/networks/"), "1 kept back")
        where, key = f"/boxes/{left.pk}/gone/", left.pk
        assert where in page.content.decode()
        assert where not in visitor("viewer").get("/networks/storage/").content.decode()
        assert operator.get(where)["Location"] == f"/firewalls/{left.pk}/replace/"
        free_firewall(left)
        assert operator.get(where)["Location"] == f"/retired/{key}/#gone"


def count() -> Any:
    return plain(Api("viewer").get("networks/storage/").json()["usage"]["4"])


def plain(usage: Any) -> dict[str, int]:
    """Without the same counts as text."""
    return {name: value for name, value in usage.items() if not name.endswith("_exact")}
