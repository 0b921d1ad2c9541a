"""How machines get to the internet over REST: as it was promised, from the rows."""

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from firewalls.models import Endpoint, Firewall, Observation, Rule
from firewalls.publishing import publish
from networks.models import Address, Network
from tests.api import Api
from tests.world import World, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]
PROXY: dict[str, Any] = {"purpose": Endpoint.Purpose.HTTP_PROXY, "port": 3128, "target_port": 3128}


class Place:
    """shop leads outside and has joined storage, whose machines have no firewall."""

    def __init__(self) -> None:
        self.fra: World = world()
        self.storage = self.fra.private("storage", self.fra.storage, shared=True)
        self.shop = self.fra.private("shop", self.fra.shop)
        self.lab = self.fra.private("lab", self.fra.analytics)
        self.web = self.fra.machine("web", self.fra.shop, self.shop)
        self.disk = self.fra.machine("disk", self.fra.storage, self.storage)
        self.test = self.fra.machine("test", self.fra.analytics, self.lab)
        self.shop_fw = self._firewall("shop-fw", self.shop, self.storage, self.fra.internet)
        self.lab_fw = self._firewall("lab-fw", self.lab, self.storage)
        Rule(
            firewall=self.shop_fw,
            direction="egress",
            position=0,
            protocol="tcp",
            ports=["443"],
            destinations=[ip_network("0.0.0.0/0")],
        ).save()

    def _firewall(self, name: str, home: Network, *joined: Network) -> Firewall:
        assert home.project is not None
        firewall = self.fra.firewall(name, home.project, home, *joined)
        Observation.objects.filter(pk=firewall.pk).update(
            applied=Firewall.objects.get(pk=firewall.pk).wanted
        )
        return firewall

    def publish(self) -> Endpoint:
        where = Address.objects.get(machine=self.shop_fw.pk, prefix__network=self.storage)
        return publish(
            firewall=self.shop_fw,
            network=self.storage,
            address=where.address,
            machine=self.web,
            **PROXY,
        )


@pytest.fixture
def place() -> Iterator[Place]:
    yield Place()


def asked(path: str) -> Any:
    response = Api("viewer").get(f"{path}/internet-access/")
    assert response.status_code == 200, response.content
    return response.json()


def test_a_machine_with_a_firewall_that_leads_outside(place: Place) -> None:
    answer = asked(f"machines/{place.web.pk}")
    assert answer["access"] == "own-firewall"
    via = answer["via"]
    assert (via["kind"], via["firewall"], via["name"], via["network"]) == (
        "firewall",
        str(place.shop_fw.pk),
        "shop-fw",
        "internet-fra",
    )
    (way,) = answer["firewalls"]
    shown = Address.objects.get(machine=place.shop_fw.pk, prefix__network="internet-fra")
    assert way["addresses"] == [str(shown)] and way["families"] == [4]
    assert way["passes"] == ["tcp 443 to 0.0.0.0/0: egress"]
    assert answer["proxies"] == answer["settings"] == []
    assert answer["warnings"] == []
    Observation.objects.filter(pk=place.shop_fw.pk).update(applied=None)
    (warning,) = asked(f"machines/{place.web.pk}")["warnings"]
    assert warning == "shop-fw was never pushed to, so none of this is so yet."


def test_a_machine_of_a_shared_network_with_a_proxy_behind_a_consumer(place: Place) -> None:
    endpoint = place.publish()
    for path in (f"machines/{place.disk.pk}", "networks/storage", f"machines/{place.test.pk}"):
        answer = asked(path)
        assert answer["access"] == "http-proxy"
        via = answer["via"]
        assert (via["kind"], via["firewall"]) == ("endpoint", str(place.shop_fw.pk))
        assert (via["address"], via["port"]) == (str(endpoint.address), 3128)
        assert via["url"] == f"http://{endpoint.address}:3128"
        (proxy,) = answer["proxies"]
        assert (proxy["machine"], proxy["verdict"]) == (str(place.web.pk), "reachable")
        assert [one["purpose"] for one in answer["settings"]] == ["http_proxy", "apt", "containerd"]
        assert all(via["url"] in one["text"] for one in answer["settings"])


def test_a_machine_without_any_way_is_told_what_to_do(place: Place) -> None:
    answer = asked(f"machines/{place.disk.pk}")
    assert (answer["access"], answer["via"]) == ("none", None)
    assert answer["warnings"] == [
        "storage has no firewall, so its machines reach each other alone."
    ]
    assert [one["action"] for one in answer["remedies"]] == ["firewall", "publish", "proxy"]
    assert all(one["url"].startswith("/") and one["role"] for one in answer["remedies"])
    joining = asked(f"machines/{place.test.pk}")["remedies"][0]
    assert joining["action"] == "join"
    assert joining["url"] == f"/firewalls/{place.lab_fw.pk}/join/internet-fra/"


def test_an_endpoint_for_another_purpose_is_no_proxy(place: Place) -> None:
    endpoint = place.publish()
    Endpoint.objects.filter(pk=endpoint.pk).update(purpose=Endpoint.Purpose.SERVICE)
    assert asked(f"machines/{place.disk.pk}")["access"] == "none"


def test_only_machines_and_private_networks_have_an_answer(place: Place) -> None:
    viewer = Api("viewer")
    for path in (f"machines/{place.shop_fw.pk}", "networks/internet-fra", "networks/nowhere"):
        assert viewer.get(f"{path}/internet-access/").status_code == 404


def test_the_number_of_queries_does_not_grow(place: Place) -> None:
    viewer = Api("viewer")
    place.publish()
    path = f"machines/{place.disk.pk}/internet-access/"

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert viewer.get(path).status_code == 200
        return len(queries)

    viewer.get(path)
    before = count()
    for number in range(3):
        firewall = place.fra.firewall(f"fw-{number}", place.fra.shop, place.shop, place.storage)
        place.fra.machine(f"m-{number}", place.fra.shop, place.shop)
        where = Address.objects.get(machine=firewall.pk, prefix__network=place.storage)
        Endpoint(address=where, machine=place.web, **PROXY).save()
    assert count() == before
