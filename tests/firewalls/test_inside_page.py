"""The firewall's page: what passes through it as a picture, in words, and as a file."""

import re
import xml.etree.ElementTree as ET

import pytest

from firewalls.allocation import join
from firewalls.models import Firewall
from networks.models import Network
from tests.pages import queries, says, visitor
from tests.world import World, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]


@pytest.fixture
def fra() -> World:
    return world()


@pytest.fixture
def shop_fw(fra: World) -> Firewall:
    home = fra.private("shop", fra.shop)
    fra.machine("till", fra.shop, home)
    made = fra.firewall("shop-fw", fra.shop, home, fra.internet)
    join(made, shared(fra, "store"))
    return made


def shared(fra: World, name: str) -> Network:
    made = fra.private(name, fra.storage)
    made.share("ada")
    return made


def test_the_page_shows_what_passes_through_and_every_box_leads_to_its_network(
    shop_fw: Firewall,
) -> None:
    page = visitor().get(f"/firewalls/{shop_fw.pk}/")
    svg = re.search(r"<svg[^>]*map inside.*?</svg>", page.content.decode(), re.DOTALL)
    assert svg is not None
    for text in (">shop<", ">store<", "1 machine", "everything · as 10.128.", "anywhere"):
        assert text in svg[0], text
    for network in ("shop", "store", "internet-fra"):
        assert f'href="/networks/{network}/"' in svg[0]


def test_the_same_is_there_in_words_and_the_tables_are_folded_below(shop_fw: Firewall) -> None:
    page = visitor().get(f"/firewalls/{shop_fw.pk}/")
    assert says(page, "store shared out everything · as 10.128.")
    for folded in ("routes", "translations", "rules"):
        assert f'<details class="panel" id="{folded}">' in page.content.decode()


def test_the_picture_is_downloaded_as_a_file_that_stands_alone(shop_fw: Firewall) -> None:
    answer = visitor().get(f"/firewalls/{shop_fw.pk}/?format=svg")
    assert answer["Content-Type"] == "image/svg+xml"
    assert "attachment" in answer["Content-Disposition"]
    root = ET.fromstring(answer.content)
    assert root.tag.endswith("svg") and "var(" not in answer.content.decode()


def test_a_firewall_that_joined_nothing_says_so(fra: World) -> None:
    alone = fra.firewall("alone", fra.shop, fra.private("alone", fra.shop))
    page = visitor().get(f"/firewalls/{alone.pk}/")
    assert says(page, "Nothing: it has joined no network")


def test_it_takes_as_many_queries_for_one_network_as_for_many(
    fra: World, shop_fw: Firewall
) -> None:
    own, client = f"/firewalls/{shop_fw.pk}/", visitor()
    before = queries(client, own)
    for place in range(5):
        join(shop_fw, shared(fra, f"more-{place}"))
    assert queries(client, own) == before
