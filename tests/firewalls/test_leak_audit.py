"""The leak audit of a partition: over REST, as a page and as CSV."""

import csv
from typing import Any

import pytest

from firewalls.allocation import join
from firewalls.intent import revisions
from firewalls.models import Endpoint, Firewall, Observation, Revision, Rule
from networks.models import Address
from tests.api import Api, codes
from tests.pages import queries, says, visitor, words
from tests.world import World, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]
PAGE = "/partitions/fra/leak-audit/"


class Place:
    """shop and pay have joined storage; shop has published an endpoint there."""

    def __init__(self) -> None:
        self.fra: World = world()
        self.storage = self.fra.private("storage", self.fra.storage)
        self.storage.share(by="somebody")
        shop, pay = (
            self.fra.private("shop", self.fra.shop),
            self.fra.private("pay", self.fra.analytics),
        )
        web = self.fra.machine("web", self.fra.shop, shop)
        self.fra.machine("till", self.fra.analytics, pay)
        self.shop_fw = self.fra.firewall("shop-fw", self.fra.shop, shop, self.storage)
        self.pay_fw = self.fra.firewall("pay-fw", self.fra.analytics, pay, self.storage)
        address = Address.objects.get(machine=self.shop_fw.pk, prefix__network="storage")
        Endpoint(address=address, port=8080, machine=web, target_port=80).save()


@pytest.fixture
def place() -> Place:
    return Place()


def asked(query: str = "") -> Any:
    response = Api("viewer").get(f"partitions/fra/leak-audit/{query}")
    assert response.status_code == 200, response.content
    return response.json()


def test_pairs_of_projects_come_with_network_firewall_and_rule(place: Place) -> None:
    answer = asked()
    pairs = [(one["from_project"], one["to_project"]) for one in answer["pairs"]]
    assert pairs == [
        ("analytics", "shop"),
        ("analytics", "storage-team"),
        ("shop", "storage-team"),
        ("storage-team", "shop"),
    ]
    assert answer["count"] == 4
    assert answer["leaks"] == answer["exposures"] == answer["unknown"] == []
    consuming = answer["pairs"][1]
    assert (consuming["verdict"], consuming["machines"], consuming["leaks"]) == ("reachable", 1, 0)
    (connection,) = consuming["connections"]
    shown = Address.objects.get(machine=place.pay_fw.pk, prefix__network="storage").address
    assert connection["network"] == "storage" and connection["kind"] == "consumer"
    (via,) = connection["through"]
    assert via["firewall"] == str(place.pay_fw.pk) and via["name"] == "pay-fw"
    assert via["shown"] == str(shown) and "to storage" in via["rule"]
    published = answer["pairs"][0]["connections"][0]
    assert published["kind"] == "endpoint"
    assert [one["name"] for one in published["through"]] == ["pay-fw", "shop-fw"]


def test_by_what_was_applied_nothing_passes_before_the_first_push(place: Place) -> None:
    assert asked("?basis=applied")["pairs"] == []
    for firewall in (place.shop_fw, place.pay_fw):
        revisions.refresh([firewall.pk], cause="a test")
        wanted = Firewall.objects.get(pk=firewall.pk).wanted
        Observation.objects.filter(firewall=firewall).update(applied=wanted)
    assert asked("?basis=applied")["count"] == 4
    Rule(firewall=place.shop_fw, direction="egress", position=0, protocol="icmp").save()
    network = place.fra.private("more", place.fra.storage)
    network.share(by="somebody")
    join(place.shop_fw, network, by="somebody")
    answer = asked("?basis=applied")
    assert (answer["unknown"], answer["count"]) == ([], 4), "as it was applied"
    Revision.objects.filter(firewall=place.shop_fw).update(plan=None)  # from before they were kept
    answer = asked("?basis=applied")
    assert [one["name"] for one in answer["unknown"]] == ["shop-fw"]
    assert [one["from_project"] for one in answer["pairs"]] == ["analytics"]


def test_what_is_no_partition_or_no_basis_is_refused(place: Place) -> None:
    viewer = Api("viewer")
    assert viewer.get("partitions/nowhere/leak-audit/").status_code == 404
    assert codes(viewer.get("partitions/fra/leak-audit/?basis=seen")) == {
        "basis": ["invalid_choice"]
    }
    assert codes(viewer.get("partitions/fra/leak-audit/?bases=wanted")) == {
        "bases": ["unknown_parameter"]
    }


def test_the_page_says_that_nothing_leaks_and_who_reaches_whom(place: Place) -> None:
    text = words(visitor().get(PAGE))
    assert "Leaks none" in text and "Prefixes announced too widely none" in text
    assert "4 pairs of projects" in text
    assert "pay → storage, IPv4: uses a shared network that its firewall has joined." in text
    assert says(visitor().get("/partitions/fra/"), "Leak audit")


def test_the_page_shows_what_was_chosen(place: Place) -> None:
    viewer = visitor()
    assert says(viewer.get(PAGE + "?project=analytics"), "2 pairs of projects")
    assert says(viewer.get(PAGE + "?network=pay"), "2 pairs of projects")
    assert says(viewer.get(PAGE + "?leaks=only"), "Nothing of what was chosen crosses")
    assert says(viewer.get(PAGE + "?basis=applied"), "By what was applied last.")


def test_the_export_has_a_line_for_each_connection(place: Place) -> None:
    response: Any = visitor().get(PAGE + "?format=csv&project=analytics")
    rows = list(csv.DictReader(b"".join(response.streaming_content).decode().splitlines()))
    found = [(one["from network"], one["to network"], one["through firewalls"]) for one in rows]
    assert found == [("pay", "shop", "pay-fw shop-fw"), ("pay", "storage", "pay-fw")]
    assert {one["leak"] for one in rows} == {"no"}


def test_the_number_of_queries_does_not_grow(place: Place) -> None:
    viewer = visitor()
    before = queries(viewer, PAGE)
    for number in range(3):
        network = place.fra.private(f"more-{number}", place.fra.shop)
        place.fra.firewall(f"more-fw-{number}", place.fra.shop, network, place.storage)
    assert queries(viewer, PAGE) == before
