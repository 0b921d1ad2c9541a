"""The page of a partition: who uses what, all that is chosen in the URL, and ego views."""

import csv
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from firewalls.allocation import join
from firewalls.models import Attachment, Firewall, Observation
from machines.models import Machine
from networks.models import Network, Project
from tests.pages import queries, says, visitor, words
from tests.world import World, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]
PAGE = "/partitions/fra/"


@pytest.fixture
def fra() -> World:
    return world()


@pytest.fixture
def store(fra: World) -> Network:
    return shared(fra, "store")


@pytest.fixture
def shop_fw(fra: World, store: Network) -> Firewall:
    made = firewall(fra, "shop", fra.shop, store)
    fra.machine("till", fra.shop, Network.objects.get(pk="shop"))
    return made


def shared(fra: World, name: str) -> Network:
    made = fra.private(name, fra.storage)
    made.share("ada", "backups")
    return made


def firewall(fra: World, home: str, project: Project, *joined: Network) -> Firewall:
    made = fra.firewall(f"{home}-fw", project, fra.private(home, project), fra.internet)
    for network in joined:
        join(made, network)
    return made


def many(fra: World, number: int, *networks: Network) -> None:
    """So many firewalls, each in two of the networks, of as many tenants as there are networks.

    Written as rows, for what is wanted of them does not matter here.
    """
    kinds = len(networks)
    projects = [
        Project(id=f"team-{place}", name="team", tenant=f"tenant-{place % kinds}")
        for place in range(number)
    ]
    Project.objects.bulk_create(projects)
    common: dict[str, Any] = {"kind": "private", "partition": fra.partition, "parent": fra.pool}
    homes = Network.objects.bulk_create(
        Network(id=f"net-{place}", name="net", vrf=9000 + place, project=project, **common)
        for place, project in enumerate(projects)
    )
    machines = Machine.objects.bulk_create(
        Machine(
            name=f"{home.pk}-fw",
            partition=fra.partition,
            project=home.project,
            primary=home,
            asn=4_210_000_500 + place,
        )
        for place, home in enumerate(homes)
    )
    firewalls = Firewall.objects.bulk_create(Firewall(machine=machine) for machine in machines)
    Attachment.objects.bulk_create(
        Attachment(firewall=firewall, network=networks[one])
        for place, firewall in enumerate(firewalls)
        for one in sorted({place % kinds, place // 2 % kinds})
    )


def pictured(page: Any) -> str:
    """What the picture and all below it say; above stands what needs attention."""
    return words(page).partition("Who uses what")[2]


def ways(page: Any) -> int:
    return page.content.decode().count('<g class="way')


class TestTheMap:
    def test_it_shows_who_uses_what_and_every_box_leads_to_its_object(
        self, shop_fw: Firewall
    ) -> None:
        page = visitor().get(PAGE)
        assert says(page, "1 firewall, 1 join, 1 shared network")
        svg = re.search(r"<svg.*</svg>", page.content.decode(), re.DOTALL)
        assert svg is not None
        for text in ("shop-fw", ">shop<", "1 machine", "10.128.0.", "internet-fra", "no machines"):
            assert text in svg[0], text
        for href in (f"/firewalls/{shop_fw.pk}/", "/networks/shop/", "/networks/store/"):
            assert f'href="{href}"' in svg[0]
            assert visitor().get(href).status_code == 200

    def test_a_firewall_that_joined_nothing_is_counted_and_not_drawn(
        self, fra: World, shop_fw: Firewall
    ) -> None:
        firewall(fra, "idle", fra.analytics)
        page = visitor().get(PAGE)
        assert says(page, "1 of 2 firewalls") and "idle-fw" not in pictured(page)

    def test_what_no_address_family_connects_is_not_counted_as_reached(self) -> None:
        fra = world(v6="2001:db8:128::/48")
        store = fra.private("store", fra.storage, prefix_length={4: 24})
        store.share("ada")
        lone = fra.private("lone", fra.shop, prefix_length={6: 64})
        fra.machine("till", fra.shop, lone)
        join(fra.firewall("lone-fw", fra.shop, lone), store)
        page = visitor().get(PAGE)
        assert says(page, "Machines that may use them 0")
        assert "no address family in common" in page.content.decode()
        assert says(visitor().get(f"{PAGE}?view=table"), "no common address family")

    def test_the_network_that_is_picked_stands_out(self, fra: World, shop_fw: Firewall) -> None:
        firewall(fra, "other", fra.analytics, shared(fra, "backup"))
        text = visitor().get(f"{PAGE}?pick=store").content.decode()
        assert text.count('class="way n0 dim"') + text.count('class="way n1 dim"') == 1
        assert 'class="map chosen"' in text

    def test_a_choice_keeps_part_of_it(self, fra: World, shop_fw: Firewall) -> None:
        firewall(fra, "other", fra.analytics, shared(fra, "backup"))
        client = visitor()
        assert ways(client.get(PAGE)) == 2
        for query in ("network=store", "project=shop", f"firewall={shop_fw.pk}"):
            page = client.get(f"{PAGE}?{query}")
            assert ways(page) == 1 and "other-fw" not in pictured(page), query
        assert says(client.get(f"{PAGE}?project=nothing"), "No firewall that uses a shared network")
        assert says(client.get(f"{PAGE}?state=failed"), "Show all")

    @pytest.mark.parametrize(
        "query", ["view=nothing&fold=x&order=y&pick=z&open=%00", "page=-1", "network=%00", "like=x"]
    )
    def test_what_makes_no_sense_in_the_url_does_no_harm(
        self, shop_fw: Firewall, query: str
    ) -> None:
        for more in ("", "&view=matrix", "&view=table", "&format=csv", "&format=svg"):
            assert visitor().get(f"{PAGE}?{query}{more}", follow=True).status_code == 200

    def test_where_nothing_is_shared_it_says_what_to_do(self, fra: World) -> None:
        assert says(visitor().get(PAGE), "Mark a private network as shared")

    def test_it_is_found_from_every_page_and_from_the_network(self, shop_fw: Firewall) -> None:
        client = visitor()
        assert f'href="{PAGE}"' in client.get("/activity/").content.decode()
        assert f'href="{PAGE}?pick=store"' in client.get("/networks/store/").content.decode()
        assert client.get("/partitions/nowhere/").status_code == 404


class TestManyOfThem:
    @pytest.fixture
    def networks(self, fra: World) -> list[Network]:
        return [shared(fra, f"service-{number}") for number in range(4)]

    def test_those_that_joined_the_same_are_drawn_as_one_and_lead_to_each_other(
        self, fra: World, networks: list[Network]
    ) -> None:
        many(fra, 34, *networks)
        page = visitor().get(PAGE)
        assert "those that joined the same networks are drawn as one" in words(page)
        narrowed = re.search(r'href="(/partitions/fra/\?like=[^"]*)"', page.content.decode())
        assert narrowed is not None
        inside = visitor().get(narrowed[1].replace("&amp;", "&"))
        assert 1 < ways(inside) < 34 and "drawn as one" not in words(inside)

    def test_it_can_be_folded_further_but_not_into_a_tangle(
        self, fra: World, networks: list[Network]
    ) -> None:
        many(fra, 34, *networks)
        assert says(visitor().get(f"{PAGE}?fold=tenant"), "drawn by tenant")
        assert says(visitor().get(f"{PAGE}?fold=firewall"), "drawn as one")

    def test_a_matrix_leads_to_exactly_the_firewalls_that_it_counts(
        self, fra: World, networks: list[Network]
    ) -> None:
        many(fra, 10, *networks)
        firewall(fra, "no-tenant", fra.shop, networks[0])
        own = fra.firewall("own-fw", fra.storage, networks[0])  # lives there, has not joined it
        client = visitor()
        query = "?view=matrix&open=tenant:tenant-0&open=project:team-0"
        cells = list(counted(client.get(PAGE + query)))
        assert len(cells) > 10
        for href, number in cells:
            if not href.startswith("/firewalls/?"):
                assert number == 1
                continue
            listed = client.get(href)
            assert says(listed, f"{number} match") and own.name not in words(listed)

    def test_all_of_it_is_in_the_table_page_by_page_and_in_the_csv(
        self, fra: World, networks: list[Network]
    ) -> None:
        many(fra, 55, *networks)
        client = visitor()
        first = client.get(f"{PAGE}?view=table")
        assert says(first, "1 to 50 of 55")
        assert says(client.get(f"{PAGE}?view=table&page=2"), "51 to 55 of 55")
        lines = list(csv.DictReader(body(client.get(f"{PAGE}?format=csv")).splitlines()))
        joins = Firewall.objects.filter(attachments__network__shared=True).count()
        assert len(lines) == joins
        one = next(line for line in lines if line["firewall"] == "net-7-fw")
        assert one["project"] == "team-7" and one["tenant"] == "tenant-3"
        assert one["state"] == "new" and one["network behind it"] == "net-7"
        chosen = body(client.get(f"{PAGE}?format=csv&network=service-1")).splitlines()
        assert {line.split(",")[0] for line in chosen[1:]} == {"service-1"}

    def test_the_worst_state_is_what_a_bundle_and_a_network_show(
        self, fra: World, networks: list[Network]
    ) -> None:
        many(fra, 34, *networks)
        row = Firewall.objects.get(machine__name="net-0-fw")
        Observation.objects.filter(pk=row.pk).update(unreachable_since="2026-01-01T00:00Z")
        assert "1 unreachable" in words(visitor().get(PAGE))

    @pytest.mark.parametrize("query", ["", "?view=matrix&open=tenant:tenant-1", "?view=table"])
    def test_it_takes_as_many_queries_for_two_as_for_many(
        self, fra: World, networks: list[Network], query: str
    ) -> None:
        client = visitor()
        many(fra, 2, *networks)
        few = queries(client, PAGE + query)
        firewall(fra, "later", fra.shop, shared(fra, "more"), *networks)
        fra.firewall("guard-fw", fra.storage, networks[0])
        assert queries(client, PAGE + query) == few


class TestDownloads:
    def test_the_picture_stands_alone(self, shop_fw: Firewall) -> None:
        answer = visitor().get(f"{PAGE}?format=svg")
        assert answer["Content-Type"] == "image/svg+xml"
        assert answer["Content-Disposition"] == 'attachment; filename="fra-who-uses-what.svg"'
        picture = ET.fromstring(answer.content)
        text = " ".join(picture.itertext())
        assert picture.get("aria-label") == "Who uses which shared network in fra"
        assert "shop-fw" in text and ".map .box" in text and "var(" not in text
        assert not any("href" in key for one in picture.iter() for key in one.attrib)

    def test_on_the_page_it_brings_no_style_of_its_own(self, shop_fw: Firewall) -> None:
        text = visitor().get(PAGE).content.decode()
        assert "<style" not in text and "style=" not in text


class TestEgoViews:
    def test_around_a_shared_network_are_its_consumers_alone(
        self, fra: World, shop_fw: Firewall
    ) -> None:
        firewall(fra, "other", fra.analytics, shared(fra, "backup"))
        page = visitor().get("/networks/store/picture/")
        assert ways(page) == 1 and "shop-fw" in words(page) and "other-fw" not in pictured(page)

    def test_around_a_private_network_are_its_firewalls_whatever_they_use(
        self, fra: World, shop_fw: Firewall
    ) -> None:
        for home, text in (("shop", "store"), ("idle", "idle-fw")):
            if home == "idle":
                firewall(fra, "idle", fra.analytics)
            assert text in words(visitor().get(f"/networks/{home}/picture/"))
        fra.private("empty", fra.shop)
        assert says(visitor().get("/networks/empty/picture/"), "No firewall guards it")
        assert says(visitor().get("/networks/internet-fra/picture/"), "No firewall guards it")

    def test_around_a_firewall_is_what_it_uses(self, fra: World, shop_fw: Firewall) -> None:
        firewall(fra, "other", fra.analytics, shared(fra, "backup"))
        page = visitor().get(f"/firewalls/{shop_fw.pk}/picture/")
        assert says(page, "Who uses what, around shop-fw")
        assert ways(page) == 1 and "store" in words(page) and "backup" not in words(page)

    def test_it_comes_into_the_page_as_a_part(self, shop_fw: Firewall) -> None:
        asked = {"HX-Request": "true", "HX-Target": "ego"}
        for own in ("/networks/store/", f"/firewalls/{shop_fw.pk}/"):
            assert f'hx-get="{own}picture/"' in visitor().get(own).content.decode()
            part = visitor().get(f"{own}picture/", headers=asked).content.decode().strip()
            assert part.startswith('<section id="ego"') and part.endswith("</section>")

    def test_it_takes_as_many_queries_for_one_as_for_many(
        self, fra: World, shop_fw: Firewall, store: Network
    ) -> None:
        client = visitor()
        few = queries(client, "/networks/store/picture/")
        many(fra, 12, store, shared(fra, "backup"))
        assert queries(client, "/networks/store/picture/") == few


def counted(page: Any) -> Iterator[tuple[str, int]]:
    """The cells of a matrix: where each leads, and its number."""
    for href, number in re.findall(r'<a class="h\d" href="([^"]*)">(\d+)', page.content.decode()):
        yield href.replace("&amp;", "&"), int(number)


def body(answer: Any) -> str:
    return str(answer.getvalue().decode())


def test_the_stylesheet_ends_its_pictures_where_they_are_looked_for() -> None:
    css = Path("config/static/app.css").read_text()
    assert css.count("/* pictures */") == css.count("/* end of pictures */") == 1
