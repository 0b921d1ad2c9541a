"""What was so at a moment, until when something worked, and what comes and goes between two."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from firewalls.allocation import join, leave
from firewalls.configuration.kept import plan_of
from firewalls.intent import changes, revisions
from firewalls.models import Firewall, Observation, Push, Revision
from tests.api import Api, codes
from tests.firewalls.askable import Place
from tests.pages import says, visitor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]
DAY = timedelta(days=1)


@pytest.fixture
def place() -> Iterator[Place]:
    yield Place()


def pushed_at(firewall: Firewall, moment: datetime) -> Revision:
    """As if what is wanted had been confirmed then."""
    revisions.refresh([firewall.pk], cause="a test")
    wanted = Firewall.objects.get(pk=firewall.pk).wanted
    assert wanted
    push = Push(firewall=firewall, revision=wanted, state="confirmed", finished_at=moment)
    push.save(force_insert=True)
    Observation.objects.filter(firewall=firewall).update(applied=wanted)
    return wanted


def asked(place: Place, **query: Any) -> Any:
    query = {"machine": place.web.pk, "to_machine": place.disk.pk, **query}
    path = "reachability/?" + "&".join(f"{key}={value}" for key, value in query.items())
    response = Api("viewer").get(path.replace("+00:00", "Z"))
    assert response.status_code == 200, response.content
    return response.json()


def test_a_revision_keeps_the_plan_that_it_was_rendered_from(place: Place) -> None:
    revisions.refresh([place.shop_fw.pk], cause="a test")
    kept = Firewall.objects.get(pk=place.shop_fw.pk).wanted
    assert kept is not None
    planned = plan_of(kept.plan)
    assert planned is not None and planned.hostname == "shop-fw"


def test_plans_of_what_was_noted_before_are_kept_by_and_by(place: Place) -> None:
    revisions.refresh([place.shop_fw.pk, place.pay_fw.pk], cause="a test")
    before = list(Revision.objects.order_by("pk").values_list("pk", "number", "digest"))
    Revision.objects.update(plan=None)
    changes.catch_up()
    assert not Revision.objects.filter(plan=None).exists()
    assert list(Revision.objects.order_by("pk").values_list("pk", "number", "digest")) == before


def test_what_worked_until_a_push_is_told_with_the_push(place: Place) -> None:
    now = timezone.now()
    pushed_at(place.shop_fw, now - 3 * DAY)
    leave(place.shop_fw, place.storage)
    still = asked(place)
    assert (still["verdict"], still["beside"]["verdict"]) == ("unreachable", "reachable")
    assert still["beside"]["message"].startswith("It still works")
    last = pushed_at(place.shop_fw, now - DAY)
    gone = asked(place, basis="applied")
    ended = gone["beside"]["worked_until"]
    assert (ended["name"], ended["revision"]) == ("shop-fw", last.number)
    sentence = f"revision {last.number} was pushed to shop-fw."
    assert "It worked until " in gone["beside"]["message"] and sentence in gone["beside"]["message"]
    join(place.shop_fw, place.storage)
    again = asked(place)
    assert again["reachable"] and "It worked until" in again["beside"]["message"]
    assert again["beside"]["message"].endswith("It comes about once what is wanted is pushed.")
    page = visitor().get("/reachability/?from=web&to=disk")
    assert says(page, sentence) and says(page, "Ask as it was before that")


def test_what_was_never_pushed_says_so(place: Place) -> None:
    answer = asked(place)
    assert answer["beside"]["worked_until"] is None
    assert answer["beside"]["message"] == (
        "shop-fw was never pushed to, so it passes nothing on."
        " It comes about once what is wanted is pushed."
    )


def test_a_moment_is_asked_for_as_it_was_applied_then(place: Place) -> None:
    now = timezone.now()
    pushed_at(place.shop_fw, now - 3 * DAY)
    leave(place.shop_fw, place.storage)
    pushed_at(place.shop_fw, now - DAY)
    moments = {4: "unreachable", 2: "reachable", 0: "unreachable"}
    for days, verdict in moments.items():
        at = (now - days * DAY).isoformat()
        answer = asked(place, at=at)
        assert (answer["verdict"], answer["basis"]) == (verdict, "applied"), days
        assert answer["at"] is not None
        assert "those of now" in answer["assumptions"][-1]
    at = (now - 2 * DAY).strftime("%Y-%m-%dT%H:%M:%S")
    page = visitor().get(f"/reachability/?from=web&to=disk&at={at}")
    assert says(page, "Connections come about") and says(page, "It worked until")
    listed = visitor().get(f"/networks/storage/reachable-from/?at={at}")
    assert says(listed, "2 machines, 2 networks")
    rest = Api("viewer").get(f"networks/storage/reachable-from/?at={at}Z").json()
    assert [one["network"] for one in rest["results"]] == ["shop", "storage"]
    assert says(visitor().get("/reachability/?from=web&to=disk&at=2126-01-01"), "to come", 422)


def compare(**body: Any) -> Any:
    response = Api("viewer").post("reachability/compare/", body)
    assert response.status_code == 200, response.content
    return response.json()


def ends(found: Any, which: str) -> list[tuple[str, str]]:
    return [(one["network"], one["to_network"]) for one in found[which]]


def test_two_moments_are_compared(place: Place) -> None:
    now = timezone.now()
    pushed_at(place.shop_fw, now - 3 * DAY)
    leave(place.shop_fw, place.storage)
    pushed_at(place.shop_fw, now - DAY)
    then, between = (now - 4 * DAY).isoformat(), (now - 2 * DAY).isoformat()
    assert ends(compare(**{"from": then, "to": between}), "gained") == [
        ("shop", "internet-fra"),
        ("shop", "storage"),
    ]
    lost = compare(**{"from": between, "to": "applied"})
    assert ends(lost, "lost") == [("shop", "storage")] and lost["gained"] == []
    assert compare(**{"from": "applied", "to": "wanted", "firewall": str(place.shop_fw.pk)}) == {
        **{"gained": [], "lost": [], "otherwise": [], "projects": []},
    }
    join(place.shop_fw, place.storage)
    revisions.refresh([place.shop_fw.pk], cause="a test")
    for scope in ({}, {"partition": "fra"}, {"network": "shop"}):
        found = compare(**{"from": "applied", "to": "wanted", **scope})
        assert ("shop", "storage") in ends(found, "gained"), scope
    assert ends(compare(**{"from": "applied", "to": "wanted", "network": "pay"}), "gained") == []


def test_a_change_is_compared_with_what_is_wanted(place: Place) -> None:
    pair = {"firewall": str(place.pay_fw.pk), "network": "storage"}
    assert ends(compare(to={"join": pair}), "gained") == [("pay", "storage")]
    left = {"firewall": str(place.shop_fw.pk), "network": "storage"}
    assert ends(compare(**{"from": "wanted", "to": {"leave": left}}), "lost") == [
        ("shop", "storage")
    ]
    assert compare(to={"share": "pay"})["gained"] == []
    none = {"firewall": str(place.shop_fw.pk), "egress": []}
    assert ends(compare(to={"rules": none}), "lost") == [("shop", "internet-fra")]
    assert Firewall.objects.get(pk=place.shop_fw.pk).rules.count() == 1


REFUSED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"to": ["required"]}),
    ({"to": "then"}, {"to": ["invalid"]}),
    ({"to": 7}, {"to": ["invalid"]}),
    ({"to": "2126-01-01T00:00:00Z"}, {"to": ["not_yet"]}),
    ({"to": "wanted", "from": {"share": "pay"}}, {"from": ["invalid"]}),
    ({"to": {"share": "pay"}, "from": "applied"}, {"from": ["not_wanted"]}),
    ({"to": {"share": "pay"}, "partition": "fra"}, {"partition": ["no_scope"]}),
    ({"to": "wanted", "partition": "mars"}, {"partition": ["does_not_exist"]}),
]


def test_what_cannot_be_compared_is_refused_on_its_field(place: Place) -> None:
    for body, expected in REFUSED:
        assert codes(Api("viewer").post("reachability/compare/", body)) == expected, body
    own = {"firewall": str(place.pay_fw.pk)}
    wrong: list[Any] = [
        *({}, {"share": "pay", "leave": {}}, {"share": "mars"}, {"share": "super-fra"}),
        *({"join": 5}, {"join": {}}, {"join": own}, {"join": {**own, "network": "lonely"}}),
        {"join": {**own, "network": "storage", "addresses": ["10.0.0.1"]}},
        {"leave": {**own, "network": "storage"}},
        {"rules": {**own, "egress": [{"ports": ["x"]}]}},
        {"rules": {**own, "outwards": []}},
        *([], None, "", {"push": 1}),
    ]
    for change in wrong:
        response = Api("viewer").post("reachability/compare/", {"to": change})
        assert response.status_code == 400, (change, response.content)


def test_the_review_of_a_push_says_what_comes_and_goes(place: Place) -> None:
    address = f"/firewalls/{place.shop_fw.pk}/push/"
    operator = visitor("operator")
    assert says(operator.get(address), "gained shop → storage everything")
    first = pushed_at(place.shop_fw, timezone.now() - DAY)
    assert says(operator.get(address), "None: whoever reaches something now")
    leave(place.shop_fw, place.storage)
    assert says(operator.get(address), "lost shop → storage everything")
    pushed_at(place.shop_fw, timezone.now())
    older = operator.get(f"{address}?revision={first.number}")
    assert says(older, "gained shop → storage everything")
    Revision.objects.update(plan=None)
    assert says(operator.get(f"{address}?revision={first.number}"), "is not known")
