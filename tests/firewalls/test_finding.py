"""The search finds things by what people have at hand."""

import re

import pytest

from firewalls.models import Firewall
from networks.models import Partition, Project
from tests.pages import queries, says, visitor, words
from tests.world import World, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]


@pytest.fixture
def fra() -> World:
    return world()


@pytest.fixture
def shop_fw(fra: World) -> Firewall:
    return fra.firewall("shop-front-fw", fra.shop, fra.private("shop", fra.shop), fra.internet)


def found(text: str) -> str:
    return words(visitor().get("/search/", {"q": text}))


def test_words_are_found_in_any_order(shop_fw: Firewall) -> None:
    assert "shop-front-fw" in found("fw shop")
    assert "Nothing matches" in found("fw nothing")


def test_ids_and_as_numbers_are_found(fra: World, shop_fw: Firewall) -> None:
    machine = fra.machine("till", fra.shop, shop_fw.primary)
    assert "shop-front-fw" in found(str(shop_fw.pk))
    assert "shop-front-fw" in found(str(shop_fw.machine.asn))
    assert "till" in found(str(machine.pk))


def test_partitions_projects_and_tenants_are_found_and_lead_to_their_pages(fra: World) -> None:
    Partition.objects.create(id="muc-dc02", name="Munich")
    Project.objects.create(id="reports", name="Reports", tenant="aurora")
    for text, href in (("munich", "/partitions/muc-dc02/"), ("aurora", "/projects/reports/")):
        assert f'href="{href}"' in visitor().get("/search/", {"q": text}).content.decode()


def test_an_address_leads_to_its_firewall(shop_fw: Firewall) -> None:
    address = shop_fw.machine.addresses.get(prefix__network="internet-fra")
    page = visitor().get("/search/", {"q": str(address)})
    assert f'href="/firewalls/{shop_fw.pk}/">shop-front-fw</a>' in page.content.decode()


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("10.128", "/networks/shop/"),
        ("10.128.0.", "/networks/shop/"),
        ("10.128.0.9/20", "/networks/shop/"),
        ("10.128.0.0/16", "/networks/shop/"),
        ("vrf {vrf}", "/networks/shop/"),
        ("fra shop", "/networks/shop/"),
        ("AS{asn}", "/firewalls/{pk}/"),
        ("as {asn}", "/firewalls/{pk}/"),
        ("{half}", "/firewalls/{pk}/"),
        ("{dashed}", "/firewalls/{pk}/"),
        ("fw fra", "/firewalls/{pk}/"),
        ("{outside}", "/firewalls/{pk}/"),
    ],
)
def test_parts_and_ways_to_write_them_are_found(shop_fw: Firewall, text: str, href: str) -> None:
    key = str(shop_fw.pk)
    address = str(shop_fw.machine.addresses.get(prefix__network="internet-fra"))
    known = {
        "vrf": shop_fw.primary.vrf,
        "asn": shop_fw.machine.asn,
        "half": key[:8],
        "dashed": key[:20].upper(),
        "outside": address.rpartition(".")[0],
        "pk": key,
    }
    page = visitor().get("/search/", {"q": text.format(**known)}).content.decode()
    assert f'href="{href.format(**known)}"' in page


def test_what_only_belongs_to_it_alone_finds_nothing(shop_fw: Firewall) -> None:
    assert "shop-front-fw" not in found("fra")
    assert "Nothing matches" in found("10.9.9") and "Nothing matches" in found("99999999")


def test_what_is_called_just_so_comes_first_and_the_rest_is_a_list(fra: World) -> None:
    for number in range(22):
        fra.private(f"a-net-{number}", fra.shop)
    fra.private("net", fra.shop)
    client = visitor()
    page = client.get("/search/", {"q": "net"})
    assert page.context["networks"].rows[0].pk == "net"
    more = re.search(r'href="(/networks/[^"]*)">(\d+) more', page.content.decode())
    assert more and client.get(more[1]).context["listing"].total == int(more[2]) + 20


def test_a_list_keeps_its_own_search(fra: World) -> None:
    page = visitor().get("/networks/", {"q": "internet"}).content.decode()
    assert re.findall(r'name="q"[^>]*value="([^"]*)"', page) == ["", "internet"]


def test_it_says_where_there_is_more_and_takes_as_many_queries(fra: World) -> None:
    client = visitor()
    before = queries(client, "/search/?q=net")
    for number in range(22):
        fra.private(f"net-{number}", fra.shop)
    assert queries(client, "/search/?q=net") == before
    assert says(client.get("/search/?q=net"), "3 more networks")
    assert not says(client.get("/search/?q=net-1"), "more networks")


@pytest.mark.parametrize("typed", [" ", "%", "0" * 300, "a b " * 40, "-", "9" * 10])
def test_nonsense_breaks_nothing(shop_fw: Firewall, typed: str) -> None:
    assert visitor().get("/search/", {"q": typed}).status_code == 200
