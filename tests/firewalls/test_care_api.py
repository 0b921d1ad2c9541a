"""Holds, maintenance windows, limits and lock-outs over REST."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from firewalls.models import Firewall, Hold, Push, Window
from firewalls.models.push import BY_ITSELF
from firewalls.pushing import claiming, rollouts
from networks.models import Activity, Network, Partition
from tests.api import Api, codes
from tests.networks.test_api import queries
from tests.world import World, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def fra(published: list[str]) -> World:
    fra = world()
    fra.private("shop", fra.shop)
    return fra


@pytest.fixture
def api(fra: World) -> Api:
    return Api("operator")


def make(fra: World, name: str = "fw", **fields: Any) -> Firewall:
    home = Network.objects.get(pk="shop")
    return fra.firewall(name, fra.shop, home, fra.internet, **({"host": "192.0.2.7"} | fields))


@pytest.fixture
def firewall(fra: World) -> Firewall:
    return make(fra)


def path(firewall: Firewall, more: str = "") -> str:
    return f"firewalls/{firewall.pk}/{more}"


def later() -> dict[str, Any]:
    """A window that opens in four hours."""
    begins = datetime.now(UTC) + timedelta(hours=4)
    ends = begins + timedelta(hours=1)
    return {"begins": f"{begins:%H:%M}", "ends": f"{ends:%H:%M}", "zone": "UTC"}


class TestHolds:
    def test_are_placed_shown_and_ended(self, api: Api, firewall: Firewall) -> None:
        assert api.get(path(firewall, "hold/")).status_code == 404
        assert api.get(path(firewall)).json()["hold"] is None
        until = (timezone.now() + timedelta(days=1)).isoformat()
        placed = api.post(path(firewall, "hold/"), {"reason": "vendor", "until": until})
        assert placed.status_code == 201, placed.content
        shown = placed.json()
        assert (shown["reason"], shown["held_by"]) == ("vendor", "operator") and shown["until"]
        assert api.get(path(firewall, "hold/")).json() == shown
        assert api.get(path(firewall)).json()["hold"] == shown
        assert api.delete(path(firewall, "hold/")).status_code == 204
        assert api.get(path(firewall)).json()["hold"] is None
        assert api.delete(path(firewall, "hold/")).status_code == 409

    def test_refuse_pushes_with_409(self, api: Api, firewall: Firewall) -> None:
        api.post(path(firewall, "hold/"), {"reason": "vendor"})
        answer = api.post(path(firewall, "push/"), {})
        assert codes(answer, 409) == {"firewall": ["held"]}
        assert "held by operator: vendor" in answer.content.decode()

    def test_are_found_by_a_filter(self, api: Api, fra: World, firewall: Firewall) -> None:
        free = make(fra, "free")
        api.post(path(firewall, "hold/"), {"reason": "vendor"})
        over = make(fra, "over")
        since = timezone.now() - timedelta(days=2)
        until = timezone.now() - timedelta(days=1)
        Hold.objects.bulk_create([Hold(firewall=over, reason="x", since=since, until=until)])

        def found(value: str) -> set[str]:
            results = api.get(f"firewalls/?held={value}").json()["results"]
            return {row["name"] for row in results}

        assert found("true") == {"fw"} and found("false") == {free.name, "over"}
        assert api.get("firewalls/?held=perhaps").status_code == 400

    @pytest.mark.parametrize(
        ("body", "refused"),
        [
            ({}, {"reason": ["required"]}),
            ({"reason": ""}, {"reason": ["blank", "required"]}),
            ({"reason": "x", "until": "2020-01-01T00:00Z"}, {"until": ["in_the_past"]}),
            ({"reason": "x", "since": "2020-01-01T00:00Z", "untl": 1}, None),
        ],
    )
    def test_take_a_reason_and_a_time_to_come(
        self, api: Api, firewall: Firewall, body: dict[str, Any], refused: dict[str, Any] | None
    ) -> None:
        answer = api.post(path(firewall, "hold/"), body)
        if refused is not None:
            assert answer.status_code == 400 and codes(answer).keys() == refused.keys()
            assert not Hold.objects.exists()

    def test_of_many_take_as_many_queries_as_of_one(
        self, api: Api, fra: World, firewall: Firewall
    ) -> None:
        few = queries(lambda: api.get("firewalls/"))
        for name in ("b", "c", "d"):
            api.post(path(make(fra, name), "hold/"), {"reason": "x"})
        assert queries(lambda: api.get("firewalls/")) == few

    def test_are_an_operators_to_place_and_no_viewers(self, firewall: Firewall) -> None:
        viewer = Api("viewer")
        assert viewer.post(path(firewall, "hold/"), {"reason": "x"}).status_code == 403
        assert viewer.delete(path(firewall, "hold/")).status_code == 403


class TestWindows:
    def test_are_made_changed_and_removed_by_admins(self, fra: World, firewall: Firewall) -> None:
        api = Api("admin")
        body = {"partition": "fra", "days": [1, 5], "begins": "22:00", "ends": "04:00"}
        made = api.post("maintenance-windows/", body | {"zone": "Europe/Berlin"})
        assert made.status_code == 201, made.content
        shown = made.json()
        assert shown["days"] == [1, 5] and shown["only_automatic"] is False
        one = f"maintenance-windows/{shown['id']}/"
        assert api.get(one).json() == shown
        changed = api.patch(one, {"only_automatic": True})
        assert changed.status_code == 200 and changed.json()["only_automatic"] is True
        own = api.post("maintenance-windows/", {"firewall": str(firewall.pk)} | later())
        assert own.status_code == 201, own.content
        found = api.get(f"maintenance-windows/?firewall={firewall.pk}").json()["results"]
        assert [row["id"] for row in found] == [own.json()["id"]]
        assert api.delete(one).status_code == 204
        assert Api("operator").post("maintenance-windows/", body).status_code == 403

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"zone": "Mars"}, "zone"),
            ({"days": []}, "days"),
            ({"days": [0]}, "days"),
            ({"ends": "22:00"}, "ends"),
            ({"partition": None}, "non_field_errors"),
        ],
    )
    def test_are_refused_where_they_could_not_be_meant(
        self, fra: World, change: dict[str, Any], field: str
    ) -> None:
        body = {"partition": "fra", "begins": "22:00", "ends": "04:00"} | change
        answer = Api("admin").post("maintenance-windows/", body)
        assert answer.status_code == 400 and codes(answer).keys() == {field}

    def test_have_pushes_wait_that_say_until_when_and_why(
        self, api: Api, fra: World, firewall: Firewall
    ) -> None:
        Window(partition=fra.partition, **_row(later())).save()
        push = api.post(path(firewall, "push/"), {}).json()
        assert push["state"] == "queued" and push["waits_for"] == "window"
        assert push["waits_because"].startswith("It waits for a maintenance window: daily ")
        assert push["waits_until"].endswith("Z")
        listed = api.get("pushes/").json()["results"]
        assert listed[0]["waits_until"] == push["waits_until"]
        assert claiming.claim_pushes(10) == []

    def test_are_passed_by_with_a_reason(self, api: Api, fra: World, firewall: Firewall) -> None:
        Window(partition=fra.partition, **_row(later())).save()
        refused = api.post(path(firewall, "push/"), {"start": "now"})
        assert refused.status_code == 400 and codes(refused) == {"reason": ["required"]}
        body = {"start": "now", "reason": "customer is down"}
        push = api.post(path(firewall, "push/"), body).json()
        assert push["waits_for"] is None
        assert Activity.objects.filter(kind="choice", reason="customer is down").exists()
        assert len(claiming.claim_pushes(10)) == 1

    def test_are_passed_by_with_a_push_that_waits_already(
        self, api: Api, fra: World, firewall: Firewall
    ) -> None:
        Window(partition=fra.partition, **_row(later())).save()
        Push.objects.enqueue(firewall, by=BY_ITSELF)
        push = Push.objects.get()
        assert Api("viewer").post(f"pushes/{push.pk}/now/", {"reason": "x"}).status_code == 403
        assert api.post(f"pushes/{push.pk}/now/", {}).status_code == 400
        answer = api.post(f"pushes/{push.pk}/now/", {"reason": "customer is down"})
        assert answer.status_code == 202 and answer.json()["waits_for"] is None
        assert claiming.claim_pushes(10) == [push]
        assert api.post(f"pushes/{push.pk}/now/", {"reason": "again"}).status_code == 409

    def test_for_automatic_pushes_can_be_chosen_for_others(
        self, api: Api, fra: World, firewall: Firewall
    ) -> None:
        Window(partition=fra.partition, only_automatic=True, **_row(later())).save()
        push = api.post(path(firewall, "push/"), {"start": "window"}).json()
        assert push["waits_for"] == "window"
        assert api.post(path(firewall, "push/"), {"start": "soon"}).status_code == 400


def _row(fields: dict[str, Any]) -> dict[str, Any]:
    clock = {name: datetime.strptime(fields[name], "%H:%M").time() for name in ("begins", "ends")}
    return fields | clock


class TestLimits:
    def test_are_a_partitions_setting(self, fra: World) -> None:
        admin = Api("admin")
        assert admin.get("partitions/fra/").json()["pushes_at_once"] is None
        changed = admin.patch("partitions/fra/", {"pushes_at_once": 5})
        assert changed.json()["pushes_at_once"] == 5
        assert admin.get("partitions/?pushes_at_once=5").json()["count"] == 1
        assert admin.patch("partitions/fra/", {"pushes_at_once": 0}).status_code == 400

    def test_say_in_which_waves_goes_what_is_pushed_by_itself(self, fra: World) -> None:
        admin = Api("admin")
        sent = {"auto_waves": [2, "50%", "rest"], "auto_max_failures": 3}
        shown = admin.patch("partitions/fra/", sent).json()
        assert {name: shown[name] for name in sent} == sent
        assert admin.get("partitions/?auto_max_failures=3").json()["count"] == 1
        for waves in ([], [0], ["half"], [True], "1, rest", ["1, rest"], {"0": 1}):
            refused = admin.patch("partitions/fra/", {"auto_waves": waves})
            assert codes(refused) == {"auto_waves": ["invalid_waves"]}, waves
        with pytest.raises(IntegrityError), transaction.atomic():
            Partition.objects.update(auto_waves="1, half")

    def test_have_pushes_wait_that_say_so_in_as_many_queries_for_many(
        self, api: Api, fra: World, firewall: Firewall
    ) -> None:
        Partition.objects.update(pushes_at_once=1)
        some = [make(fra, f"fw-{number}") for number in range(4)]
        for one in (firewall, some[0]):
            api.post(path(one, "push/"), {})
        assert len(claiming.claim_pushes(10)) == 1
        rows = api.get("pushes/?state=queued").json()["results"]
        assert [row["waits_for"] for row in rows] == ["limit"]
        few = queries(lambda: api.get("pushes/"))
        for one in some[1:]:
            api.post(path(one, "push/"), {})
        assert queries(lambda: api.get("pushes/")) == few


class TestLockOuts:
    def test_are_refused_or_asked_twice(self, api: Api, fra: World) -> None:
        odd = make(fra, port=2222)
        answer = api.post(path(odd, "push/"), {})
        assert answer.status_code == 400 and codes(answer) == {"confirm": ["other_port"]}
        assert codes(api.post(path(odd, "push/"), {"confirm": True})) == {"reason": ["required"]}
        body = {"confirm": True, "reason": "forwarded"}
        assert api.post(path(odd, "push/"), body).status_code == 202

    def test_for_sure_are_not_to_be_confirmed(self, api: Api, fra: World) -> None:
        Partition.objects.update(management_prefixes=[])
        body = {"confirm": True, "reason": "x"}
        answer = api.post(path(make(fra), "push/"), body)
        assert answer.status_code == 400 and codes(answer) == {"management": ["no_management"]}


def test_a_rollout_says_how_many_it_passed_over(api: Api, fra: World, firewall: Firewall) -> None:
    api.post(path(firewall, "hold/"), {"reason": "vendor"})
    rollout = rollouts.start([firewall], cause="all", by="ada")
    shown = api.get(f"rollouts/{rollout.pk}/").json()
    assert shown["progress"]["passed_over"] == 1 and shown["progress"]["waiting"] == 0
    assert shown["reason"] == "1 was passed over, because somebody holds them."
