"""Pages of projects and networks answer: who guards it, who uses it, what it uses, as whom."""

from typing import Any

import pytest

from firewalls.allocation import join
from firewalls.models import Firewall, Rule
from machines.models import Machine
from networks.common.lists import PER_PAGE
from networks.models import Address, Network, Prefix, Project
from tests.pages import queries, says, visitor, words
from tests.world import World, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]
PROJECT = "/projects/shop/"
TENANT = "/tenants/acme%20/%20eu/"


@pytest.fixture
def fra() -> World:
    return world()


@pytest.fixture
def store(fra: World) -> Network:
    made = fra.private("store", fra.storage)
    made.share("ada", "backups")
    return made


@pytest.fixture
def shop_fw(fra: World, store: Network) -> Firewall:
    home = fra.private("shop", fra.shop)
    fra.machine("till", fra.shop, home)
    made = fra.firewall("shop-fw", fra.shop, home, fra.internet)
    join(made, store)
    return made


def address_in(network: Network, firewall: Firewall) -> str:
    return str(firewall.machine.addresses.get(prefix__network=network))


class TestTheProject:
    def test_it_says_what_it_owns_what_it_uses_and_as_whom(
        self, store: Network, shop_fw: Firewall
    ) -> None:
        page = visitor().get(PROJECT)
        assert says(page, "Networks 1 0 shared")
        assert says(page, "Shared networks it uses 1")
        assert says(page, f"store {address_in(store, shop_fw)}")
        assert says(page, "till shop FRA".replace("FRA", "fra"))
        assert '<g class="way' in page.content.decode()

    def test_of_a_shared_network_it_says_how_many_have_joined(
        self, store: Network, shop_fw: Firewall
    ) -> None:
        page = visitor().get("/projects/storage-team/")
        assert says(page, "Networks 1 1 shared")
        assert 'aria-label="1 firewall joined store"' in page.content.decode()
        assert says(page, "It has no firewall")

    def test_pages_lead_to_it(self, store: Network, shop_fw: Firewall) -> None:
        for url in ("/networks/shop/", f"/firewalls/{shop_fw.pk}/", "/partitions/fra/?view=table"):
            assert f'href="{PROJECT}"' in visitor().get(url).content.decode(), url
        assert visitor().get("/projects/nobody/").status_code == 404

    def test_lists_come_in_pages_and_queries_do_not_grow(
        self, fra: World, shop_fw: Firewall
    ) -> None:
        client = visitor()
        before = queries(client, PROJECT)
        home = Network.objects.get(pk="shop")
        Machine.objects.bulk_create(
            Machine(
                name=f"m-{place:03}",
                partition=fra.partition,
                project=fra.shop,
                primary=home,
                asn=4_210_002_000 + place,
            )
            for place in range(PER_PAGE + 5)
        )
        for place in range(3):
            fra.firewall(f"f-{place}", fra.shop, fra.private(f"net-{place}", fra.shop))
        assert queries(client, PROJECT) == before
        page = client.get(PROJECT)
        assert says(page, f"1 to {PER_PAGE} of {PER_PAGE + 6}")
        second = client.get(f"{PROJECT}?machines=2&networks=1")
        assert says(second, f"{PER_PAGE + 1} to {PER_PAGE + 6} of {PER_PAGE + 6}")
        assert says(second, "m-054") and not says(page, "m-054")


class TestTheTenant:
    @pytest.fixture(autouse=True)
    def acme(self, fra: World) -> None:
        Project.objects.filter(pk__in=["shop", "storage-team"]).update(tenant="acme / eu")

    def test_it_says_what_its_projects_own_and_use_and_as_whom(
        self, store: Network, shop_fw: Firewall
    ) -> None:
        page = visitor().get(TENANT)
        assert says(page, "Projects 2") and says(page, "Networks 2 1 shared")
        assert says(page, f"store {address_in(store, shop_fw)}")
        assert says(page, "shop shop 1 0 1 1"), words(page)
        assert '<g class="way' in page.content.decode()

    def test_others_are_not_on_it(self, fra: World, shop_fw: Firewall) -> None:
        fra.firewall("other-fw", fra.analytics, fra.private("other", fra.analytics))
        assert not says(visitor().get(TENANT), "other")

    def test_pages_and_the_search_lead_to_it(self, shop_fw: Firewall) -> None:
        for url in (PROJECT, "/partitions/fra/?view=table", "/search/?q=acme", "/search/?q=shop"):
            assert f'href="{TENANT}"' in visitor().get(url).content.decode(), url
        assert says(visitor().get("/search/?q=acme"), "Tenants 1 Tenant Projects acme / eu 2")

    def test_one_of_no_project_is_not_there(self, fra: World) -> None:
        for name in ("nobody", "none", "x/"):
            assert visitor().get(f"/tenants/{name}/").status_code == 404

    def test_queries_do_not_grow(self, fra: World, shop_fw: Firewall) -> None:
        client = visitor()
        before = queries(client, TENANT)
        for place in range(3):
            fra.firewall(f"f-{place}", fra.shop, fra.private(f"net-{place}", fra.shop))
            Project.objects.create(id=f"p-{place}", name="p", tenant="acme / eu")
        assert queries(client, TENANT) == before


class TestTheNetwork:
    def test_it_says_who_guards_it_and_what_its_machines_use_as_whom(
        self, store: Network, shop_fw: Firewall
    ) -> None:
        page = visitor().get("/networks/shop/firewalls/")
        assert says(page, "What its machines can use")
        assert says(page, f"store shared everything · as {address_in(store, shop_fw)} shop-fw")
        assert says(page, "internet-fra external IPv4: no rule lets anything out shop-fw")

    def test_what_rules_let_out_is_what_the_page_says(self, shop_fw: Firewall) -> None:
        rule: dict[str, Any] = {"direction": "egress", "protocol": "tcp", "ports": ["443"]}
        Rule(firewall=shop_fw, position=1, **rule).save()
        assert says(visitor().get("/networks/shop/firewalls/"), "tcp 443 · as 203.0.113.")

    def test_these_answers_stand_above_everything_else(self, shop_fw: Firewall) -> None:
        text = visitor().get("/networks/shop/").content.decode()
        places = [text.index(part) for part in ('id="siblings"', 'id="ego"', ">Prefixes<")]
        assert places == sorted(places)

    def test_queries_do_not_grow_with_its_firewalls(self, fra: World, shop_fw: Firewall) -> None:
        client = visitor()
        before = queries(client, "/networks/shop/firewalls/")
        home = Network.objects.get(pk="shop")
        for place in range(3):
            join(fra.firewall(f"f-{place}", fra.shop, home), Network.objects.get(pk="store"))
        assert queries(client, "/networks/shop/firewalls/") == before

    def test_machines_reserved_addresses_and_carved_networks_come_in_pages(
        self, fra: World, store: Network
    ) -> None:
        prefix = Prefix.objects.get(network=store)
        for place in range(PER_PAGE + 1):
            Address(address=prefix.cidr[100 + place], prefix=prefix, project=fra.shop).save()
            fra.private(f"net-{place:03}", fra.shop)
        client = visitor()
        page = client.get("/networks/store/")
        assert says(page, f"Reserved addresses, on no machine {PER_PAGE + 1}")
        assert says(client.get("/networks/store/?reserved=2"), f"51 to {PER_PAGE + 1} of")
        pool = client.get("/networks/super-fra/")
        assert says(pool, f"Networks carved from it {PER_PAGE + 2}")
        assert says(client.get("/networks/super-fra/?carved=2"), "store")


class TestWhoUsesIt:
    def test_who_uses_it_comes_in_pages_of_as_many_queries(
        self, fra: World, store: Network, shop_fw: Firewall
    ) -> None:
        client, url = visitor(), "/networks/store/consumers/"
        before = queries(client, url)
        for place in range(PER_PAGE):
            home = fra.private(f"net-{place:03}", fra.shop)
            join(fra.firewall(f"fw-{place:03}", fra.shop, home), store)
        assert queries(client, url) == before
        assert says(client.get(url), f"1 to {PER_PAGE} of {PER_PAGE + 1}")
        assert says(client.get(f"{url}?page=2"), "shop-fw")
        part = client.get(url, headers={"HX-Request": "true", "HX-Target": "consumers"})
        assert says(part, f"{PER_PAGE} of {PER_PAGE + 1} are shown")

    def test_it_claims_no_translation_that_is_not_there(
        self, fra: World, shop_fw: Firewall
    ) -> None:
        url = "/networks/internet-fra/consumers/"
        assert says(visitor().get(url), "shop-fw 203.0.113.")
        Network.objects.filter(pk="internet-fra").update(nat=False)
        page = visitor().get(url)
        assert says(page, "nothing is translated") and "203.0.113." not in words(page)

    def test_families_that_do_not_meet_are_named(self) -> None:
        fra = world(v6="2001:db8:128::/48")
        store = fra.private("store", fra.storage, prefix_length={4: 24})
        store.share("ada")
        lone = fra.firewall(
            "lone-fw", fra.shop, fra.private("lone", fra.shop, prefix_length={6: 64})
        )
        join(lone, store)
        page = visitor().get("/networks/store/consumers/")
        assert says(page, "no common address family")
        assert address_in(store, lone) not in words(page)
