"""Pages about the way to the internet: of a machine, of a network, and of all that have none."""

from collections.abc import Iterator

import pytest

from firewalls.intent import internet, unconnected
from firewalls.models import Endpoint, Observation
from machines.models import Machine
from networks.models import Address
from tests.firewalls.test_internet_api import PROXY, Place
from tests.pages import queries, says, visitor, words
from tests.test_raw_sql import take_out
from tests.world import world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]


@pytest.fixture
def place() -> Iterator[Place]:
    yield Place()


def without() -> dict[str, int]:
    return {one.network: one.machines for one in unconnected.networks()}


class TestPages:
    def test_a_machines_page_comes_with_its_way_as_a_part(self, place: Place) -> None:
        viewer = visitor()
        page = viewer.get(f"/machines/{place.web.pk}/")
        assert says(page, "Lives in shop")
        part = f"/machines/{place.web.pk}/internet/"
        assert f'hx-get="{part}"' in page.content.decode()
        alone = viewer.get(part, headers={"HX-Request": "true", "HX-Target": "internet"})
        assert says(alone, "All of its traffic to outside takes shop-fw by internet-fra .")
        assert "<html" not in alone.content.decode()
        assert "<html" in viewer.get(part).content.decode()  # without scripts

    def test_what_is_not_pushed_yet_is_a_warning(self, place: Place) -> None:
        Observation.objects.filter(pk=place.shop_fw.pk).update(applied=None)
        page = visitor().get(f"/machines/{place.web.pk}/internet/")
        assert says(page, "shop-fw was never pushed to, so none of this is so yet.")

    def test_a_proxy_comes_with_the_lines_to_copy(self, place: Place) -> None:
        endpoint = place.publish()
        page = visitor().get(f"/machines/{place.disk.pk}/internet/")
        url = f"http://{endpoint.address}:3128"
        assert says(page, f"uses the HTTP proxy {url}")
        for line in (
            f"https_proxy={url}",
            f'Acquire::https::Proxy "{url}";',
            f'Environment="HTTPS_PROXY={url}"',
        ):
            assert line in words(page)
        assert says(visitor().get("/networks/storage/internet/"), f"http_proxy={url}")

    def test_nothing_comes_with_what_to_do(self, place: Place) -> None:
        page = visitor("operator").get(f"/machines/{place.test.pk}/internet/")
        assert says(page, "It has no way to the internet")
        link = f'href="/firewalls/{place.lab_fw.pk}/join/internet-fra/"'
        assert link in page.content.decode()
        assert link not in visitor().get(f"/machines/{place.test.pk}/internet/").content.decode()

    def test_only_machines_and_private_networks_have_such_a_page(self, place: Place) -> None:
        for path in (f"machines/{place.shop_fw.pk}/internet", "networks/internet-fra/internet"):
            assert visitor().get(f"/{path}/").status_code == 404


class TestOverview:
    def test_names_whose_machines_have_none(self, place: Place) -> None:
        place.fra.machine("tape", place.fra.storage, place.storage)
        viewer = visitor()
        page = viewer.get("/")
        assert says(page, "2 machines in storage have no way to the internet.")
        assert says(page, "1 machine in lab has no way to the internet.")
        assert "machine in shop" not in words(page)
        place.publish()
        assert "no way to the internet" not in words(viewer.get("/"))

    def test_names_a_few_and_counts_the_rest(self, place: Place) -> None:
        for number in range(3):
            network = place.fra.private(f"dark-{number}", place.fra.shop)
            place.fra.machine(f"m-{number}", place.fra.shop, network)
        page = visitor().get("/")
        assert says(page, "Machines of 2 more networks have none either.")
        assert says(visitor().get("/internet-access/"), "5 machines of 5 networks")

    def test_with_a_constant_number_of_queries(self, place: Place) -> None:
        place.publish()
        place.fra.machine("m", place.fra.shop, place.fra.private("dark", place.fra.shop))
        viewer = visitor()
        before = queries(viewer, "/"), queries(viewer, "/internet-access/")
        for number in range(3):
            dark = place.fra.private(f"dark-{number}", place.fra.shop)
            place.fra.machine(f"m-{number}", place.fra.shop, dark)
            light = place.fra.private(f"light-{number}", place.fra.shop)
            place.fra.machine(f"l-{number}", place.fra.shop, light)
            joined = (light, place.storage, place.fra.internet)
            firewall = place.fra.firewall(f"fw-{number}", place.fra.shop, *joined)
            where = Address.objects.get(machine=firewall.pk, prefix__network=place.storage)
            behind = Machine.objects.get(name=f"l-{number}")
            Endpoint(address=where, machine=behind, **PROXY).save()
        assert (queries(viewer, "/"), queries(viewer, "/internet-access/")) == before


def test_all_at_once_says_what_is_said_of_each_machine() -> None:
    """In two families, with ways of one of them, and proxies in reach and out of it."""
    fra = world(v6="2001:db8:128::/48")
    both, four = (
        fra.private("both", fra.shop),
        fra.private("four", fra.shop, prefix_length={4: 24}),
    )
    store, cold = (
        fra.private("store", fra.storage, shared=True),
        fra.private("cold", fra.storage, shared=True, prefix_length={6: 64}),
    )
    lone, user = fra.private("lone", fra.analytics), fra.private("user", fra.analytics)
    fra.firewall("both-fw", fra.shop, both, fra.internet, store)
    fra.firewall("four-fw", fra.shop, four, fra.internet)
    fra.firewall("user-fw", fra.analytics, user, store)
    for network in (both, four, store, cold, lone, user):
        assert network.project
        for number in range(2):
            fra.machine(f"{network}-{number}", network.project, network)
    web = Machine.objects.get(name="both-0")
    where = Address.objects.get(machine__name="both-fw", prefix__network=store, address__family=4)
    assert without() == {"store": 2, "cold": 2, "lone": 2, "user": 2} == _one_by_one()
    Endpoint(address=where, machine=web, **PROXY).save()
    assert without() == {"cold": 2, "lone": 2} == _one_by_one()
    # The family of the proxy counts, and not that of the network.
    take_out("networks.Address:is_on_no_machine")
    Address.objects.filter(machine__name="store-1", address__family=4).delete()
    assert without() == {"store": 1, "cold": 2, "lone": 2} == _one_by_one()


def _one_by_one() -> dict[str, int]:
    counts: dict[str, int] = {}
    for machine in internet.MACHINES.all():
        if internet.of_machine(machine).access == "none":
            counts[machine.primary_id] = counts.get(machine.primary_id, 0) + 1
    return counts
