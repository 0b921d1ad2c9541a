"""Holds, maintenance windows and what is asked twice, on pages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from firewalls.models import Firewall, Hold, Push, Window
from firewalls.pushing import asking, claiming, holding, rollouts
from networks.models import Activity, Network, Partition
from tests.pages import visitor
from tests.world import World, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def fra(published: list[str]) -> World:
    fra = world()
    fra.private("shop", fra.shop)
    return fra


def make(fra: World, name: str = "fw", **fields: Any) -> Firewall:
    home = Network.objects.get(pk="shop")
    return fra.firewall(name, fra.shop, home, fra.internet, **({"host": "192.0.2.7"} | fields))


@pytest.fixture
def firewall(fra: World) -> Firewall:
    return make(fra)


@pytest.fixture
def client(fra: World) -> Client:
    return visitor("operator")


def text(response: Any, status: int = 200) -> str:
    assert response.status_code == status, response.content[:400]
    return " ".join(response.content.decode().split())


def window(fra: World, **fields: Any) -> Window:
    begins = datetime.now(UTC) + timedelta(hours=4)
    ends = begins + timedelta(hours=1)
    row = Window(partition=fra.partition, begins=begins.time(), ends=ends.time(), **fields)
    row.save()
    return row


class TestAHold:
    def test_is_placed_shown_everywhere_and_ended(self, client: Client, firewall: Firewall) -> None:
        own = f"/firewalls/{firewall.pk}"
        until = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
        posted = client.post(f"{own}/hold/", {"reason": "vendor looks", "until": until})
        assert posted.status_code == 302 and posted["Location"] == f"{own}/when/"
        assert Hold.objects.get().held_by == "operator"
        for path in (f"{own}/", f"{own}/when/"):
            shown = text(client.get(path))
            assert "It is held by operator" in shown and "vendor looks" in shown, path
            assert 'disabled title="It is held"' in shown
        assert "held</span>" in text(client.get("/firewalls/?held=yes"))
        assert "No firewall matches" in text(client.get("/firewalls/?held=no"))
        assert b"vendor looks" in client.get("/firewalls/?format=csv").getvalue()
        client.post(f"{own}/hold/end/")
        assert not Hold.objects.exists()
        assert "It is held" not in text(client.get(f"{own}/"))

    def test_is_refused_without_a_reason_or_in_the_past_and_what_was_typed_stays(
        self, client: Client, firewall: Firewall
    ) -> None:
        answer = client.post(
            f"/firewalls/{firewall.pk}/hold/", {"reason": "vendor", "until": "2020-01-01T00:00"}
        )
        shown = text(answer, 422)
        assert "A hold ends in the future." in shown and 'value="vendor"' in shown
        assert "This field is required" in text(
            client.post(f"/firewalls/{firewall.pk}/hold/", {}), 422
        )

    def test_refuses_pushes_by_every_button(self, client: Client, firewall: Firewall) -> None:
        holding.hold(firewall, by="ada", reason="vendor")
        shown = text(client.post(f"/firewalls/{firewall.pk}/push/"), 422)
        assert "Nothing is pushed: fw is held by ada: vendor." in shown
        joined = client.post(
            f"/firewalls/{firewall.pk}/leave/internet-fra/", {"push": "on"}, follow=True
        )
        assert "left internet-fra. It is not pushed: fw is held by ada" in text(joined)
        assert not Push.objects.exists()

    def test_keeps_the_firewall_from_being_freed(self, client: Client, firewall: Firewall) -> None:
        holding.hold(firewall, by="ada", reason="vendor")
        answer = client.post(
            f"/firewalls/{firewall.pk}/free/", {"confirm": firewall.name}, follow=True
        )
        assert "End the hold first." in text(answer)
        assert Firewall.objects.filter(pk=firewall.pk).exists()

    def test_is_no_viewers_to_place(self, firewall: Firewall) -> None:
        viewer = visitor("viewer")
        assert viewer.post(f"/firewalls/{firewall.pk}/hold/", {"reason": "x"}).status_code == 403
        assert viewer.post(f"/firewalls/{firewall.pk}/hold/end/").status_code == 403
        assert "Hold fw" not in text(viewer.get(f"/firewalls/{firewall.pk}/when/"))


class TestWindows:
    def test_are_added_and_removed_by_admins(self, fra: World, firewall: Firewall) -> None:
        admin = visitor("admin")
        fields = {"days": ["1", "5"], "begins": "22:00", "ends": "04:00", "zone": "Europe/Berlin"}
        for place in ("/partitions/fra/when/", f"/firewalls/{firewall.pk}/when/"):
            assert "None: pushes start at any time." in text(admin.get("/partitions/fra/when/"))
            assert admin.post(place, fields).status_code == 302
            shown = text(admin.get(place))
            assert "Mon, Fri 22:00 to 04:00 Europe/Berlin" in shown
            assert admin.post(f"/windows/{Window.objects.get().pk}/remove/").status_code == 302
            assert not Window.objects.exists()

    def test_are_refused_with_what_was_typed(self, fra: World) -> None:
        fields = {"days": ["1"], "begins": "22:00", "ends": "22:00", "zone": "Mars"}
        shown = text(visitor("admin").post("/partitions/fra/when/", fields), 422)
        assert "is no time zone" in shown and "A window ends at another time" in shown
        assert 'value="Mars"' in shown

    def test_are_no_operators_to_change(self, client: Client, fra: World) -> None:
        row = window(fra)
        assert client.post("/partitions/fra/when/", {}).status_code == 403
        assert client.post(f"/windows/{row.pk}/remove/").status_code == 403
        assert client.post("/partitions/fra/limit/", {"pushes_at_once": 1}).status_code == 403
        shown = text(client.get("/partitions/fra/when/"))
        assert "Remove" not in shown and "Add this window" not in shown

    def test_have_a_push_say_until_when_it_waits_and_start_with_a_reason(
        self, client: Client, fra: World, firewall: Firewall
    ) -> None:
        window(fra)
        posted = client.post(f"/firewalls/{firewall.pk}/push/")
        page = posted["Location"]
        shown = text(client.get(page))
        assert "It waits for a maintenance window: daily" in shown and "It may start" in shown
        push = Push.objects.get()
        refused = client.post(f"/pushes/{push.pk}/now/", follow=True)
        assert "Say why" in text(refused) and claiming.claim_pushes(5) == []
        client.post(f"/pushes/{push.pk}/now/", {"reason": "customer is down"})
        shown = text(client.get(page))
        assert "operator: customer is down" in shown and "Push now all the same" not in shown
        assert claiming.claim_pushes(5) == [push]

    def test_are_offered_as_a_choice(self, client: Client, fra: World, firewall: Firewall) -> None:
        own = f"/firewalls/{firewall.pk}/push/"
        assert "When it starts" not in text(client.get(own))
        window(fra, only_automatic=True)
        shown = text(client.get(own))
        assert 'value="window"' in shown and "They are for what is pushed by itself." in shown
        posted = client.post(own, {"start": "window"})
        assert posted.status_code == 302 and claiming.claim_pushes(5) == []


class TestLockOuts:
    def test_are_said_with_a_box_to_tick(self, client: Client, fra: World) -> None:
        odd = make(fra, port=2222)
        own = f"/firewalls/{odd.pk}/push/"
        shown = text(client.post(own), 422)
        assert "It may lock us out" not in shown and "Its SSH is reached at port 2222" in shown
        assert 'name="confirm"' in shown and not Push.objects.exists()
        assert "Say why" in text(client.post(own, {"confirm": "on"}), 422)
        posted = client.post(own, {"confirm": "on", "reason": "forwarded"})
        assert posted.status_code == 302
        assert "meant although it may lock us out" in text(client.get(posted["Location"]))
        assert Activity.objects.filter(kind="choice", reason="forwarded").exists()

    def test_for_sure_have_no_box(self, client: Client, fra: World) -> None:
        Partition.objects.update(management_prefixes=[])
        shown = text(client.post(f"/firewalls/{make(fra).pk}/push/"), 422)
        assert "it would lock us out" in shown and 'name="confirm"' not in shown


def test_the_limit_of_a_partition_is_set_and_shown(fra: World) -> None:
    admin = visitor("admin")
    assert "as many as workers carry" in text(admin.get("/partitions/fra/when/"))
    waves = {"auto_waves": "2, rest", "auto_max_failures": "3"}
    assert admin.post("/partitions/fra/limit/", {"pushes_at_once": "5", **waves}).status_code == 302
    assert "5 pushes" in text(admin.get("/partitions/fra/when/"))
    bad = {"pushes_at_once": "0", **waves}
    assert admin.post("/partitions/fra/limit/", bad).status_code == 422
    admin.post("/partitions/fra/limit/", {"pushes_at_once": "", **waves})
    assert Partition.objects.get().pushes_at_once is None


def test_the_waves_of_what_is_pushed_by_itself_are_set_and_shown(fra: World) -> None:
    admin, place = visitor("admin"), "/partitions/fra/limit/"
    Partition.objects.update(auto_push=True)
    assert "in waves of 1, 10%, rest; none may fail" in text(admin.get("/partitions/fra/when/"))
    sent = {"pushes_at_once": "", "auto_waves": "2, half", "auto_max_failures": "3"}
    assert "&#x27;half&#x27; is no size of a wave" in text(admin.post(place, sent), 422)
    admin.post(place, sent | {"auto_waves": "2, rest"})
    assert "in waves of 2, rest; 3 may fail" in text(admin.get("/partitions/fra/when/"))
    assert visitor("operator").post(place, sent).status_code == 403


def test_a_rollout_shows_whom_it_passed_over_and_why(client: Client, firewall: Firewall) -> None:
    holding.hold(firewall, by="ada", reason="vendor")
    rollout = rollouts.start([firewall], cause="all", by="ada")
    shown = text(client.get(f"/rollouts/{rollout.pk}/"))
    assert "1 passed over" in shown and "fw is held by ada: vendor" in shown
    assert "Take up what was passed over" in shown


def test_a_rollout_says_what_its_firewalls_wait_for(
    client: Client, fra: World, firewall: Firewall
) -> None:
    window(fra)
    rollout = rollouts.start([firewall], cause="all", by="ada")
    shown = text(client.get(f"/rollouts/{rollout.pk}/"))
    assert "It waits for a maintenance window: daily" in shown


def test_pages_take_as_many_queries_for_many_as_for_few(
    client: Client, fra: World, firewall: Firewall
) -> None:
    counts = []
    for name in ("b", "c"):
        row = make(fra, name)
        holding.hold(row, by="ada", reason="x")
        window(fra)
        asking.ask(firewall, by="ada")
        with CaptureQueriesContext(connection) as queries:
            for path in ("/firewalls/", "/partitions/fra/when/", f"/firewalls/{row.pk}/when/"):
                client.get(path)
        counts.append(len(queries))
    assert counts[0] == counts[1]
