"""What firewalls show: host keys, which people confirm or judge, drift, and silence."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from firewalls import tasks
from firewalls.device import practice, transport
from firewalls.device.keys import ensure_key, public_line
from firewalls.device.outcomes import Outcome
from firewalls.device.pinning import fingerprint
from firewalls.models import AcceptedDrift, Drift, Firewall, Observation, Push
from firewalls.pushing import drift as drifts
from firewalls.pushing import settling
from firewalls.pushing.claiming import claim_inspections
from tests.api import Api, codes
from tests.firewalls.boxes import Boxes
from tests.firewalls.pushes import push, state
from tests.pages import says, visitor
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def firewall(make: Callable[..., Firewall], firewall_name: str) -> Firewall:
    """A firewall whose host key nobody has confirmed yet."""
    return make(firewall_name, host_key="")


@pytest.fixture
def known(firewall: Firewall, box: Boxes) -> Firewall:
    """One that is pinned and in sync."""
    Firewall.objects.filter(pk=firewall.pk).update(host_key=practice.host_key(box.folder))
    push(firewall)
    firewall.refresh_from_db()
    return firewall


def due(firewall: Firewall) -> timedelta:
    """How long until it is inspected again."""
    row = Observation.objects.get(pk=firewall.pk)
    assert row.check_due_at is not None
    return row.check_due_at - timezone.now()


class TestFirstContact:
    def test_nothing_is_sent_before_a_person_confirms_the_fingerprint(
        self, firewall: Firewall, box: Boxes
    ) -> None:
        done = push(firewall)
        right = fingerprint(practice.host_key(box.folder))
        assert (
            done.state == "refused"
            and f"it shows {right}" in done.error
            and box.files(firewall.name) == {}
        )
        shown = Api("viewer").get(f"firewalls/{firewall.pk}/host-key/").json()
        assert (shown["pinned"], shown["offered"]["fingerprint"], shown["changed"]) == (
            None,
            right,
            False,
        )
        operator = Api("operator")
        assert (
            Api("viewer")
            .post(f"firewalls/{firewall.pk}/host-key/", {"fingerprint": right})
            .status_code
            == 403
        )
        assert codes(
            operator.post(f"firewalls/{firewall.pk}/host-key/", {"fingerprint": "SHA256:x"})
        ) == {"fingerprint": ["not_confirmed"]}
        answer = operator.post(f"firewalls/{firewall.pk}/host-key/", {"fingerprint": right}).json()
        assert (answer["pinned"]["fingerprint"], answer["offered"]) == (right, None)
        assert push(firewall).state == "confirmed"

    def test_the_worker_looks_for_it_unasked_and_the_page_asks_for_the_fingerprint(
        self, firewall: Firewall, box: Boxes
    ) -> None:
        tasks.work()
        right, operator, place = (
            fingerprint(practice.host_key(box.folder)),
            visitor("operator"),
            f"/firewalls/{firewall.pk}/host-key/",
        )
        assert says(operator.get(f"/firewalls/{firewall.pk}/"), "Its host key is not confirmed yet")
        assert says(operator.get(place), right)
        assert says(
            operator.post(place, {"fingerprint": "SHA256:other"}), "Nothing was pinned.", 422
        )
        assert says(visitor().post(place, {"fingerprint": right}), "takes the role operator.", 403)
        assert (
            operator.post(place, {"fingerprint": f" {right} "})["Location"]
            == f"/firewalls/{firewall.pk}/"
        )
        firewall.refresh_from_db()
        assert firewall.host_key == practice.host_key(box.folder) and firewall.unjudged_key == ""

    def test_without_having_seen_a_key_there_is_nothing_to_confirm(
        self, firewall: Firewall
    ) -> None:
        answer = Api("operator").post(
            f"firewalls/{firewall.pk}/host-key/", {"fingerprint": "SHA256:x"}
        )
        assert codes(answer) == {"fingerprint": ["nothing_shown"]}


class TestChangedKey:
    @pytest.fixture
    def changed(self, known: Firewall, tmp_path: Path) -> Firewall:
        """Another key was pinned than the one it shows now."""
        Firewall.objects.filter(pk=known.pk).update(
            host_key=public_line(ensure_key(tmp_path / "old"))
        )
        done = push(known)
        assert done.state == "refused" and "another host key than the pinned one" in done.error
        return known

    def test_stops_everything_loudly(
        self, changed: Firewall, fra: World, published: list[str]
    ) -> None:
        assert (
            state(changed) == "failed"
            and Api("viewer").get(f"firewalls/{changed.pk}/host-key/").json()["changed"]
        )
        again = push(changed)
        assert "Judge that first." in again.error and [step["name"] for step in again.steps] == []
        assert claim_inspections(10) == []
        fra.partition.auto_push = True
        fra.partition.save()
        tasks.reconcile()
        assert not Push.objects.open().exists()
        assert says(visitor().get("/"), "Another host key than the pinned one is shown")
        assert says(visitor().get(f"/firewalls/{changed.pk}/"), "nothing is sent there")

    def test_that_a_person_confirms_is_pinned_and_pushed_to(
        self, changed: Firewall, box: Boxes
    ) -> None:
        right = fingerprint(practice.host_key(box.folder))
        assert (
            Api("operator")
            .post(f"firewalls/{changed.pk}/host-key/", {"fingerprint": right})
            .status_code
            == 200
        )
        assert push(changed).state == "confirmed" and state(changed) == "in_sync"

    def test_that_is_dismissed_is_looked_at_again_and_stopped_again(
        self, changed: Firewall
    ) -> None:
        visitor("operator").post(f"/firewalls/{changed.pk}/host-key/dismiss/")
        changed.refresh_from_db()
        assert not changed.key_changed
        tasks.work()
        changed.refresh_from_db()
        assert changed.key_changed

    def test_ends_when_an_admin_enters_another_one(self, changed: Firewall, box: Boxes) -> None:
        body = {"management": {"host_key": practice.host_key(box.folder)}}
        assert Api("operator").patch(f"firewalls/{changed.pk}/", body).status_code == 200
        assert push(changed).state == "confirmed"


class TestDrift:
    @pytest.fixture
    def drifted(self, known: Firewall, box: Boxes) -> Firewall:
        box.file("/etc/nftables.conf", known.name).write_text("# by hand\n")
        tasks.check(str(known.pk))
        assert state(known) == "drifted"
        return known

    def test_is_found_on_schedule(self, known: Firewall, box: Boxes) -> None:
        box.file("/etc/frr/frr.conf", known.name).write_text("! by hand\n")
        tasks.work()
        assert state(known) == "in_sync" and timedelta(minutes=10) < due(known) < timedelta(
            minutes=20
        )
        Observation.objects.update(check_due_at=timezone.now())
        tasks.work()
        assert state(known) == "drifted" and Drift.objects.get().found.keys() == {
            "/etc/frr/frr.conf"
        }

    @pytest.mark.parametrize("told", ["table inet guard", ""], ids=["told", "silent"])
    def test_is_looked_for_after_a_push_that_met_others(self, known: Firewall, told: str) -> None:
        queued = Push.objects.enqueue(known, by="ada")
        Push.objects.filter(pk=queued.pk).update(state=Push.State.RUNNING)
        queued.refresh_from_db()
        verified = {"name": "verify", "state": "ok", "seconds": 0.1, "output": told}
        settling.settle(queued, Outcome(Push.State.CONFIRMED), [verified])
        assert (due(known) <= timedelta(0)) == bool(told)

    def test_is_shown_as_a_diff(self, drifted: Firewall) -> None:
        drift = Api("viewer").get(f"firewalls/{drifted.pk}/drift/").json()
        assert "+# by hand" in drift["files"]["/etc/nftables.conf"] and drift["accepted_at"] is None
        assert says(visitor().get(f"/firewalls/{drifted.pk}/drift/"), "+# by hand")

    def test_can_be_compared_with_what_is_wanted(self, drifted: Firewall) -> None:
        shown = visitor().get(f"/firewalls/{drifted.pk}/diff/?from=box&to=wanted")
        assert says(shown, "-# by hand") and says(shown, "From what was on the firewall")
        assert b'<option value="box" selected>' in shown.content and not says(shown, "+# by hand")
        assert says(
            visitor().get(f"/firewalls/{drifted.pk}/diff/?from=wanted&to=applied"),
            "They are the same.",
        )

    def test_is_put_right_by_a_push(self, drifted: Firewall) -> None:
        assert (
            push(drifted).state == "confirmed"
            and state(drifted) == "in_sync"
            and not Drift.objects.exists()
        )
        assert Api("viewer").get(f"firewalls/{drifted.pk}/drift/").json()["files"] == {}

    def test_accepted_counts_as_right_until_something_changes_again(
        self, drifted: Firewall, box: Boxes
    ) -> None:
        assert Api("operator").post(f"firewalls/{drifted.pk}/accept-drift/").status_code == 204
        tasks.check(str(drifted.pk))
        assert state(drifted) == "in_sync" and AcceptedDrift.objects.get().accepted_by == "operator"
        assert says(
            visitor("operator").get(f"/firewalls/{drifted.pk}/drift/"), "operator accepted that"
        )
        box.file("/etc/nftables.conf", drifted.name).write_text("# by hand, again\n")
        tasks.check(str(drifted.pk))
        assert state(drifted) == "drifted" and Drift.objects.get().acceptance is None

    def test_a_decision_and_an_observation_at_once_leave_both(
        self, drifted: Firewall, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The worker has compared already when a person accepts, and writes after that."""
        found = Drift.objects.get()
        applied = drifted.observation.applied
        assert applied
        look = transport.Inspection(applied.files | {"/etc/nftables.conf": "# by hand\n"})
        write = drifts._replace

        def accepted_first(*arguments: Any) -> None:
            drifts.accept(drifted, "ada", found.digest)
            write(*arguments)

        monkeypatch.setattr(drifts, "_replace", accepted_first)
        drifts.record_drift(Firewall.objects.get(pk=drifted.pk), look)
        assert state(drifted) == "in_sync" and AcceptedDrift.objects.get().accepted_by == "ada"
        assert Drift.objects.get().found == found.found

    def test_the_same_differences_that_come_again_are_to_be_accepted_again(
        self, drifted: Firewall, box: Boxes
    ) -> None:
        unit, before = box.file("/etc/nftables.conf", drifted.name), drifted.observation.applied
        drifts.accept(drifted, "ada")
        assert before
        unit.write_text(before.files["/etc/nftables.conf"])
        tasks.check(str(drifted.pk))
        assert state(drifted) == "in_sync" and not Drift.objects.exists()
        unit.write_text("# by hand\n")
        tasks.check(str(drifted.pk))
        assert state(drifted) == "drifted"

    def test_what_was_not_shown_is_not_accepted(self, drifted: Firewall, box: Boxes) -> None:
        shown = Api("viewer").get(f"firewalls/{drifted.pk}/drift/").json()["digest"]
        box.file("/etc/nftables.conf", drifted.name).write_text("# by hand, again\n")
        tasks.check(str(drifted.pk))
        path = f"firewalls/{drifted.pk}/accept-drift/"
        assert codes(Api("operator").post(path, {"digest": shown})) == {
            "non_field_errors": ["changed"]
        }
        operator = visitor("operator")
        operator.post(f"/firewalls/{drifted.pk}/drift/accept/", {"seen": shown})
        assert state(drifted) == "drifted" and not AcceptedDrift.objects.exists()
        (now,) = Drift.objects.values_list("digest", flat=True)
        operator.post(f"/firewalls/{drifted.pk}/drift/accept/", {"seen": now})
        assert state(drifted) == "in_sync"

    def test_that_went_away_by_itself_is_forgotten(self, drifted: Firewall, box: Boxes) -> None:
        assert drifted.observation.applied
        box.file("/etc/nftables.conf", drifted.name).write_text(
            drifted.observation.applied.files["/etc/nftables.conf"]
        )
        tasks.check(str(drifted.pk))
        assert state(drifted) == "in_sync" and not Drift.objects.exists()

    def test_that_is_none_cannot_be_accepted(self, known: Firewall) -> None:
        assert codes(Api("operator").post(f"firewalls/{known.pk}/accept-drift/")) == {
            "non_field_errors": ["no_drift"]
        }
        assert Api("viewer").post(f"firewalls/{known.pk}/accept-drift/").status_code == 403

    def test_a_file_of_ours_that_somebody_added_is_drift(self, known: Firewall, box: Boxes) -> None:
        unit = box.file("/etc/systemd/network/99-sn-by-hand.network", known.name)
        unit.parent.mkdir(parents=True, exist_ok=True)
        unit.write_text("[Match]\n")
        tasks.check(str(known.pk))
        assert state(known) == "drifted" and list(Drift.objects.get().found) == [
            "/etc/systemd/network/99-sn-by-hand.network"
        ]


class TestTheDifferencesSay:
    def test_that_nothing_is_known_of_a_firewall_that_was_never_pushed_to(
        self, firewall: Firewall
    ) -> None:
        shown = visitor().get(f"/firewalls/{firewall.pk}/diff/?from=box&to=applied")
        assert says(shown, "nothing that is known of the firewall") and says(
            shown, "to nothing, for nothing was applied yet"
        )

    def test_that_nobody_has_looked_since_it_was_applied(self, known: Firewall) -> None:
        Observation.objects.update(checked_at=None)
        assert says(
            visitor().get(f"/firewalls/{known.pk}/diff/?from=box"),
            "the firewall was not looked at since",
        )

    def test_nothing_about_what_there_is_not(self, firewall: Firewall) -> None:
        answers = [
            visitor().get(f"/firewalls/{firewall.pk}/diff/", {"to": side})
            for side in ("7", "nobody", "", "-1")
        ]
        assert [shown.status_code for shown in answers] == [404] * 4


class TestSilence:
    def test_is_asked_again_with_growing_pauses_and_shown_since_when(self, known: Firewall) -> None:
        good = known.port
        Firewall.objects.update(port=1)
        Observation.objects.update(check_due_at=timezone.now())
        pauses = []
        for _ in range(4):
            tasks.work()
            pauses.append(round(due(known).total_seconds() / 60))
            since = Observation.objects.get(pk=known.pk).unreachable_since
            Observation.objects.update(check_due_at=timezone.now())
        assert pauses == [1, 2, 4, 8] and since and state(known) == "unreachable"
        Firewall.objects.update(port=good)
        tasks.work()
        assert state(known) == "in_sync" and timedelta(minutes=10) < due(known)

    def test_what_could_not_be_pushed_is_pushed_when_it_answers_again(
        self, known: Firewall, fra: World
    ) -> None:
        good = known.port
        fra.partition.auto_push, fra.partition.management_prefixes = True, ["198.51.100.0/24"]
        fra.partition.save()
        Firewall.objects.update(port=1)
        tasks.reconcile()
        tasks.work()
        assert (
            state(known) == "unreachable"
            and Push.objects.order_by("-created_at")[0].state == "refused"
        )
        tasks.reconcile()
        assert not Push.objects.open().exists()
        Firewall.objects.update(port=good)
        Observation.objects.update(check_due_at=timezone.now())
        tasks.work()
        assert state(known) == "pending"
        tasks.reconcile()
        tasks.work()
        assert state(known) == "in_sync"

    def test_is_not_ended_by_a_mistake_of_ours(
        self, known: Firewall, settings: Any, tmp_path: Path
    ) -> None:
        Firewall.objects.update(port=1)
        push(known)
        settings.SSH_KEY = tmp_path / "none"
        assert (
            "own SSH key cannot be read" in push(known).error
            and Observation.objects.get().unreachable_since is not None
        )
