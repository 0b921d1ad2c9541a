"""Causes that somebody has acknowledged: below the others, for a while, and no other trouble."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from firewalls import tasks
from firewalls.models import Acknowledgement, Firewall, Observation
from firewalls.pushing import acknowledging
from firewalls.pushing.causes import causes
from networks.common.validation import InUse
from networks.models import Activity
from tests.api import Api, someone
from tests.firewalls.test_triage import fail, firewalls
from tests.pages import says, visitor, words
from tests.world import World, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]
HOUR = timedelta(hours=1)
NOTE = "the vendor looks into it"
PAGE = "/causes/acknowledge/?state=unreachable&reason="


@pytest.fixture
def fra() -> World:
    return world()


def silence(*walls: Firewall) -> None:
    Observation.objects.filter(pk__in=[wall.pk for wall in walls]).update(
        unreachable_since=timezone.now()
    )


def heal(*walls: Firewall) -> None:
    Observation.objects.filter(pk__in=[wall.pk for wall in walls]).update(unreachable_since=None)


def acknowledge(state: str = "unreachable", reason: str = "") -> Acknowledgement:
    until = timezone.now() + HOUR
    return acknowledging.acknowledge(state, reason, by="ada", note=NOTE, until=until)


def states() -> list[tuple[str, str, int]]:
    return [(one.state, one.reason, one.unknown) for one in causes()]


class TestACause:
    def test_that_is_acknowledged_comes_after_those_that_are_not(self, fra: World) -> None:
        silent, failed = firewalls(fra, 2)
        silence(silent)
        fail(failed, "write")
        acknowledge("failed", "write")
        assert states() == [("unreachable", "", 1), ("failed", "write", 0)]

    def test_that_is_worse_is_not_hidden_by_it(self, fra: World) -> None:
        wall, other = firewalls(fra, 2)
        silence(wall, other)
        acknowledge()
        heal(wall)
        fail(wall, "write")  # the same firewall, and other trouble
        assert states() == [("failed", "write", 1), ("unreachable", "", 0)]

    def test_of_another_reason_is_not_acknowledged_with_it(self, fra: World) -> None:
        one, two = firewalls(fra, 2)
        fail(one, "write")
        fail(two, "verify")
        acknowledge("failed", "verify")
        assert states() == [("failed", "write", 1), ("failed", "verify", 0)]

    def test_that_grows_is_shown_again_with_how_many_are_new(self, fra: World) -> None:
        one, two, three = firewalls(fra, 3)
        silence(one)
        acknowledge()
        silence(two, three)
        assert states() == [("unreachable", "", 2)]
        assert says(visitor().get("/"), f"{NOTE} 2 got into it later.")

    def test_that_is_gone_has_nothing_to_acknowledge(self, fra: World) -> None:
        with pytest.raises(InUse):
            acknowledge()


class TestAnAcknowledgement:
    def test_ends_by_itself_at_its_time(self, fra: World) -> None:
        silence(*firewalls(fra, 1))
        acknowledge()
        Acknowledgement.objects.update(since=Now() - 2 * HOUR, until=Now() - HOUR)
        assert states() == [("unreachable", "", 1)]
        tasks.reconcile()
        assert not Acknowledgement.objects.exists()
        removed = Activity.objects.get(kind="acknowledgement", verb="removed")
        assert removed.operation == "an acknowledgement has ended by itself: its time is over"

    def test_ends_by_itself_with_its_cause(self, fra: World) -> None:
        (wall,) = firewalls(fra, 1)
        silence(wall)
        acknowledge()
        heal(wall)
        tasks.reconcile()
        assert not Acknowledgement.objects.exists()
        silence(wall)
        assert states() == [("unreachable", "", 1)], "it is new trouble"

    def test_does_not_speak_of_a_firewall_that_got_out_and_in_again(self, fra: World) -> None:
        one, two = firewalls(fra, 2)
        silence(one, two)
        acknowledge()
        heal(one)
        tasks.reconcile()
        silence(one)
        assert states() == [("unreachable", "", 1)]

    def test_of_the_same_cause_again_is_for_the_firewalls_of_now(self, fra: World) -> None:
        one, two = firewalls(fra, 2)
        silence(one)
        acknowledge()
        silence(two)
        acknowledge()
        assert states() == [("unreachable", "", 0)] and Acknowledgement.objects.count() == 1

    def test_is_in_the_audit_trail_with_its_note(self, fra: World) -> None:
        silence(*firewalls(fra, 1))
        acknowledge()
        row = Activity.objects.get(kind="acknowledgement")
        assert row.operation == "acknowledged: No answer" and row.reason == NOTE
        assert row.changes["acknowledged_by"] == (None, "ada") and row.label == "unreachable"

    @pytest.mark.parametrize(("note", "hours", "field"), [("", 1, "note"), (NOTE, -1, "until")])
    def test_takes_a_note_and_a_time_to_come(
        self, fra: World, note: str, hours: int, field: str
    ) -> None:
        silence(*firewalls(fra, 1))
        until = timezone.now() + hours * HOUR
        with pytest.raises(ValidationError) as caught:
            acknowledging.acknowledge("unreachable", "", by="ada", note=note, until=until)
        assert field in caught.value.error_dict

    def test_is_one_for_each_cause_whoever_was_quicker(self, fra: World) -> None:
        silence(*firewalls(fra, 1))
        row = acknowledge()
        row.pk, row._state.adding = None, True
        with pytest.raises(ValidationError) as caught:
            row.save()
        assert "Somebody has acknowledged this in the same moment." in caught.value.messages

    def test_is_held_to_that_by_the_database(self, fra: World) -> None:
        silence(*firewalls(fra, 1))
        acknowledge()
        for wrong in ({"note": ""}, {"until": Now() - 9 * HOUR}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Acknowledgement.objects.update(**wrong)


class TestThePages:
    def test_it_is_acknowledged_and_ended_on_its_page(self, fra: World) -> None:
        (wall,) = firewalls(fra, 1)
        silence(wall)
        client = visitor("operator")
        assert says(client.get("/"), "Acknowledge : No answer")
        form = {"note": NOTE, "until": f"{timezone.now() + HOUR:%Y-%m-%dT%H:%M}"}
        assert client.post(PAGE, form).status_code == 302
        row = Acknowledgement.objects.get()
        sentence = f"by {row.acknowledged_by} until"
        for url in ("/", "/partitions/fra/", f"/firewalls/{wall.pk}/", PAGE):
            page = client.get(url)
            assert sentence in words(page) and NOTE in words(page), url
        assert client.post(f"/acknowledgements/{row.pk}/end/").status_code == 302
        assert not Acknowledgement.objects.exists()

    def test_the_partition_shows_its_own_causes(self, fra: World) -> None:
        wall, _ = firewalls(fra, 2)
        fail(wall, "write")
        page = visitor().get("/partitions/fra/")
        assert says(page, "1 firewall failed The last push failed at “Write the files”")
        assert "/firewalls/?partition=fra&amp;state=failed" in page.content.decode()

    def test_what_is_wrong_in_the_form_is_said_and_what_was_typed_is_kept(self, fra: World) -> None:
        silence(*firewalls(fra, 1))
        page = visitor("operator").post(PAGE, {"note": NOTE, "until": "2020-01-01T00:00"})
        assert says(page, "An acknowledgement ends in the future.", 422)
        assert f'value="{NOTE}"' in page.content.decode()

    def test_a_viewer_may_see_it_and_not_say_it(self, fra: World) -> None:
        silence(*firewalls(fra, 1))
        row = acknowledge()
        client = visitor("viewer")
        assert says(client.get("/"), NOTE) and "Acknowledge :" not in words(client.get("/"))
        assert client.get(PAGE).status_code == client.post(PAGE).status_code == 403
        assert client.post(f"/acknowledgements/{row.pk}/end/").status_code == 403

    def test_what_is_no_trouble_any_more_leads_back(self, fra: World) -> None:
        response = visitor("operator").get(PAGE, follow=True)
        assert b"No firewall is in this trouble any more." in response.content

    def test_support_staff_changes_the_note_and_ends_it(self, fra: World) -> None:
        silence(*firewalls(fra, 1))
        row = acknowledge()
        user = someone("operator", "support")
        user.is_staff = True
        user.save()
        client = Client()
        client.force_login(user)
        change = reverse("admin:firewalls_acknowledgement_change", args=[row.pk])
        until = row.until.strftime
        form = {"note": "rebooted", "until_0": until("%Y-%m-%d"), "until_1": until("%H:%M:%S")}
        assert client.get(reverse("admin:firewalls_acknowledgement_changelist")).status_code == 200
        assert client.post(change, form).status_code == 302
        row.refresh_from_db()
        assert row.note == "rebooted"
        delete = reverse("admin:firewalls_acknowledgement_delete", args=[row.pk])
        assert client.post(delete, {"post": "yes"}).status_code == 302
        assert not Acknowledgement.objects.exists()


class TestOverRest:
    def test_causes_are_listed_with_who_knows_of_them(self, fra: World) -> None:
        one, two = firewalls(fra, 2)
        silence(one)
        acknowledge()
        fail(two, "write")
        listed = Api("viewer").get("causes/").json()
        first, second = listed["results"]
        assert listed["count"] == 2
        assert first["message"] == "The last push failed at “Write the files”"
        assert first["acknowledgement"] is None and first["unacknowledged"] == 1
        assert second["state"] == "unreachable" and second["acknowledgement"]["note"] == NOTE
        assert second["examples"] == [{"firewall": str(one.pk), "name": "fw-0"}]
        paged = Api("viewer").get("causes/?limit=1&offset=1").json()
        assert [row["state"] for row in paged["results"]] == ["unreachable"]
        assert Api("viewer").get("causes/?partition=muc").json()["results"] == []

    def test_one_is_acknowledged_and_ended(self, fra: World) -> None:
        (wall,) = firewalls(fra, 1)
        silence(wall)
        until = (timezone.now() + HOUR).isoformat()
        body = {"state": "unreachable", "note": NOTE, "until": until}
        assert Api("viewer").post("acknowledgements/", body).status_code == 403
        made = Api("operator").post("acknowledgements/", body)
        assert made.status_code == 201, made.json()
        assert made.json()["firewalls"] == [str(wall.pk)] and made.json()["acknowledged_by"]
        url = f"acknowledgements/{made.json()['id']}/"
        changed = Api("operator").patch(url, {"note": "rebooted"})
        assert changed.status_code == 200 and changed.json()["note"] == "rebooted"
        assert Api("operator").patch(url, {"state": "failed"}).status_code == 400
        listed = Api("viewer").get("acknowledgements/?state=unreachable").json()
        assert listed["count"] == 1
        assert Api("operator").delete(url).status_code == 204

    def test_a_cause_that_is_gone_is_refused(self, fra: World) -> None:
        until = (timezone.now() + HOUR).isoformat()
        body = {"state": "drifted", "note": NOTE, "until": until}
        answer = Api("operator").post("acknowledgements/", body)
        assert answer.status_code == 409 and answer.json()["state"][0]["code"] == "gone"
