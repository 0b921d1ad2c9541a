"""Flows that come and go by a change, where it is shown before it is made: pages and REST."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from firewalls.allocation import join
from firewalls.intent.flows import flows
from firewalls.models import Rule
from firewalls.previews import join_preview, leave_preview, rule_preview
from tests.api import Api
from tests.firewalls.askable import Place
from tests.pages import visitor, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]


@pytest.fixture
def place() -> Iterator[Place]:
    yield Place()


def read(path: str) -> Any:
    return Api("operator").get(path).json()["flows"]


def test_a_join_says_what_it_opens_over_rest_and_on_its_page(place: Place) -> None:
    found = read(f"firewalls/{place.pay_fw.pk}/attachments/?network=storage")
    (gained,) = found["gained"]
    assert (gained["network"], gained["to_network"], gained["services"], gained["flows"]) == (
        *("pay", "storage"),
        ["everything"],
        1,
    )
    assert (gained["before"], gained["after"], gained["families"]) == (
        *("unreachable", "reachable"),
        [4],
    )
    assert found["lost"] == found["otherwise"] == []
    assert found["projects"] == [{"project": "analytics", "gained": 1, "lost": 0}]
    page = words(visitor("operator").get(f"/firewalls/{place.pay_fw.pk}/join/storage/"))
    assert "1 gained, 0 lost" in page and "gained pay → storage everything IPv4" in page


def test_a_leave_says_what_it_closes(place: Place) -> None:
    found = read(f"firewalls/{place.shop_fw.pk}/attachments/storage/")
    assert [(one["network"], one["to_network"]) for one in found["lost"]] == [("shop", "storage")]
    page = words(visitor("operator").get(f"/firewalls/{place.shop_fw.pk}/leave/storage/"))
    assert "lost shop → storage everything" in page


def test_a_rule_that_names_a_part_closes_the_rest(place: Place) -> None:
    typed = "direction=egress&protocol=tcp&ports=2049&destinations=10.128.0.0/22"
    address = f"/firewalls/{place.shop_fw.pk}/rules/add/?{typed}"
    page = words(visitor("operator").get(address))
    assert "lost shop → storage tcp/1-442,444-2048,2050-65535, udp" in page
    assert not Rule.objects.filter(ports=["2049"]).exists()


def test_sharing_opens_nothing_by_itself_and_says_so(place: Place) -> None:
    found = Api("admin").get("networks/pay/share/").json()["flows"]
    assert found == {"gained": [], "lost": [], "otherwise": [], "projects": []}
    page = words(visitor("admin").get("/networks/pay/share/"))
    assert "None by the sharing itself" in page


def test_what_a_sibling_still_leads_to_is_not_lost(place: Place) -> None:
    place.fra.firewall("shop-fw-2", place.fra.shop, place.shop, place.storage, place.fra.internet)
    found = flows(leave_preview(place.shop_fw, place.storage))
    assert not [one for one in found.lost if one.target.id == "storage"]


def test_as_many_queries_for_more_firewalls(place: Place) -> None:
    def count() -> int:
        effect = join_preview(place.pay_fw, place.storage)
        with CaptureQueriesContext(connection) as queries:
            assert flows(effect).gained
        return len(queries)

    before = count()
    for number in range(3):
        place.fra.firewall(f"pay-fw-{number}", place.fra.analytics, place.pay)
        network = place.fra.private(f"stock-{number}", place.fra.shop)
        network.share(by="somebody")
        join(place.pay_fw, network)
    assert count() == before


def test_a_rule_that_makes_no_line_changes_no_flow(place: Place) -> None:
    effect = rule_preview(
        Rule(firewall=place.pay_fw, direction="egress", position=1, ports=["443"])
    )
    assert effect.before != effect.after
    assert flows(effect).changes == ()
