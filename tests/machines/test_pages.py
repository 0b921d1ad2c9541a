"""Pages about machines: the list, and one of them."""

import pytest
from django.test import Client

from networks.models import Network
from tests.pages import queries, says, visitor, words
from tests.world import World, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]


@pytest.fixture
def fra() -> World:
    fra = world()
    shop = fra.private("shop", fra.shop)
    fra.machine("web", fra.shop, shop, labels={"rack": "7"})
    fra.firewall("shop-fw", fra.shop, shop)
    return fra


def machine_of(fra: World, name: str) -> str:
    return str(fra.partition.machines.get(name=name).pk)


def test_the_list_has_machines_and_no_firewalls(fra: World) -> None:
    page = visitor().get("/machines/")
    assert says(page, "1 in all partitions") and says(page, "web fra shop shop 10.128.0.")
    assert "shop-fw" not in words(page)


def test_machines_are_found_by_name_address_and_id(fra: World) -> None:
    fra.machine("till", fra.shop, Network.objects.get(pk="shop"))
    viewer = visitor()
    address = fra.partition.machines.get(name="web").addresses.get().address
    for text in ("WE", str(address), machine_of(fra, "web")):
        found = words(viewer.get("/machines/", {"q": text}))
        assert "1 match" in found and "web" in found, text
    assert says(viewer.get("/machines/", {"q": "10.128.0.0/"}), "No machine matches these filters.")
    assert says(viewer.get("/machines/", {"network": "shop"}), "2 match")


def test_the_same_rows_are_a_spreadsheet(fra: World) -> None:
    answer = visitor().get("/machines/?format=csv&q=web")
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "name,id,partition,project,network,addresses,AS number"
    assert lines[1].startswith(f"web,{machine_of(fra, 'web')},fra,shop,shop,10.128.0.")


def test_a_machine_has_a_page_and_a_firewall_another(fra: World) -> None:
    viewer = visitor()
    page = viewer.get(f"/machines/{machine_of(fra, 'web')}/")
    assert says(page, "Lives in shop") and says(page, "rack=7")
    assert viewer.get(f"/machines/{machine_of(fra, 'shop-fw')}/").status_code == 404
    assert Client().get("/machines/").status_code == 302


def test_search_and_network_lead_there(fra: World) -> None:
    link = f'href="/machines/{machine_of(fra, "web")}/"'
    for path in ("/search/?q=web", "/networks/shop/", "/machines/"):
        assert link in visitor().get(path).content.decode(), path


def test_the_number_of_queries_does_not_grow(fra: World) -> None:
    viewer = visitor()
    before = queries(viewer, "/machines/")
    for number in range(3):
        fra.machine(f"m-{number}", fra.shop, Network.objects.get(pk="shop"))
    assert queries(viewer, "/machines/") == before
