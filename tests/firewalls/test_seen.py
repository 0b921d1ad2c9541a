"""What people decide and what workers saw: neither overwrites the other, and each is told apart."""

import html
import re
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from firewalls import tasks
from firewalls.api.serializers import FirewallSerializer
from firewalls.device.keys import ensure_key, public_line
from firewalls.device.pinning import fingerprint
from firewalls.device.transport import Outcome, TransportError
from firewalls.models import Drift, Firewall, Observation, Push, Touched
from firewalls.pushing import hostkeys, recording, rollouts
from firewalls.pushing.claiming import AT_IT, claim_inspections, claim_push
from firewalls.pushing.drift import GONE_BACK
from firewalls.pushing.settling import settle
from machines.models import Machine
from networks.models import Activity
from tests.api import Api
from tests.firewalls.boxes import Boxes
from tests.firewalls.pushes import push, state
from tests.pages import says, visitor
from tests.test_admin import staff
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)

SILENCE = TransportError("It does not answer.", unreachable=True)
NOT_TOLD = Outcome("unseen", "It could not be asked.")


@pytest.fixture
def firewall_name(request: pytest.FixtureRequest) -> str:
    return f"fw-{zlib.crc32(request.node.name.encode())}"


@pytest.fixture
def known(firewall: Firewall) -> Firewall:
    """One that is in sync."""
    push(firewall)
    return Firewall.objects.get(pk=firewall.pk)


def started(firewall: Firewall) -> Push:
    claimed = claim_push(Push.objects.enqueue(Firewall.objects.get(pk=firewall.pk)).pk)
    assert claimed
    Push.objects.filter(pk=claimed.pk).update(revision=claimed.firewall.wanted)
    return Push.objects.select_related("firewall__observation", "revision").get(pk=claimed.pk)


def seen(firewall: Firewall) -> Observation:
    return Observation.objects.select_related("applied").get(pk=firewall.pk)


def inputs(page: Any) -> dict[str, Any]:
    """What a browser would send of the form on the page, as it stands there."""
    body = page.content.decode()
    sent = {}
    for tag in re.findall(r"<input [^>]*>", body):
        name, value = re.search(r' name="([^"]+)"', tag), re.search(r' value="([^"]*)"', tag)
        if name:
            sent[name[1]] = value[1] if value else ""
    texts = re.findall(r'<textarea [^>]*?name="([^"]+)"[^>]*>\s*(.*?)</textarea>', body, re.S)
    sent |= dict(texts)
    chosen = re.findall(r'<select [^>]*?name="([^"]+)"[^>]*>(.*?)</select>', body, re.S)
    for name, options in chosen:
        selected = re.search(r'<option value="([^"]*)" selected', options)
        sent[name] = selected[1] if selected else ""
    return {name: html.unescape(value) for name, value in sent.items() if "__prefix__" not in name}


class TestADoor:
    def test_over_rest_puts_nothing_back_that_a_worker_or_a_person_wrote_meanwhile(
        self, firewall: Firewall, box: Boxes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        running, other = started(firewall), public_line(ensure_key(tmp_path / "other"))
        update = FirewallSerializer.update

        def late(serializer: Any, row: Firewall, values: dict[str, Any]) -> Firewall:
            settle(running, Outcome("confirmed"), [])
            Firewall.objects.filter(pk=firewall.pk).update(host_key=other)
            return update(serializer, row, values)

        monkeypatch.setattr(FirewallSerializer, "update", late)
        answer = Api("operator").patch(f"firewalls/{firewall.pk}/", {"uplinks": ["lan7"]})
        assert answer.status_code == 200, answer.content
        row = Firewall.objects.get(pk=firewall.pk)
        assert (row.uplinks, row.host_key) == (["lan7"], other)
        assert seen(firewall).applied == running.revision and seen(firewall).checked_at

    def test_in_the_admin_puts_nothing_back_that_was_written_since_its_form_was_shown(
        self, firewall: Firewall, box: Boxes, tmp_path: Path
    ) -> None:
        right = firewall.host_key
        Firewall.objects.filter(pk=firewall.pk).update(
            host_key=public_line(ensure_key(tmp_path / "old"))
        )
        push(firewall)  # it shows the right key now
        client, place = staff(), f"/admin/firewalls/firewall/{firewall.pk}/change/"
        stale = inputs(client.get(place))
        hostkeys.confirm(firewall, fingerprint(right))
        assert push(firewall).state == "confirmed"
        Firewall.objects.filter(pk=firewall.pk).update(user="other")
        refused = client.post(place, stale | {"uplinks": "lan7"}).content.decode()
        assert "User was changed since this page was opened, and is other now" in refused
        assert "Host key was changed since" in refused
        row = Firewall.objects.get(pk=firewall.pk)
        assert (row.uplinks != ["lan7"], row.host_key, row.user) == (True, right, "other")
        fresh = inputs(client.get(place))
        assert client.post(place, fresh | {"uplinks": "lan7"}).status_code == 302
        row = Firewall.objects.get(pk=firewall.pk)
        assert (row.uplinks, row.host_key, row.user) == (["lan7"], right, "other")
        assert seen(firewall).applied is not None and not row.key_changed

    def test_shows_what_was_seen_and_takes_none_of_it(self, known: Firewall) -> None:
        shown = Api("viewer").get(f"firewalls/{known.pk}/").json()
        assert (shown["applied"], shown["refusal"], shown["refused_at"]) == (1, "", None)
        assert shown["checked_at"] and shown["unreachable_since"] is None
        for field in ("checked_at", "refusal", "refused_at", "unreachable_since", "drift"):
            Api("operator").patch(f"firewalls/{known.pk}/", {field: None})
        assert Api("viewer").get(f"firewalls/{known.pk}/").json() == shown


class TestTheAuditTrail:
    def test_knows_nothing_of_a_link_that_flaps_and_nothing_is_rendered_anew(
        self, known: Firewall
    ) -> None:
        tasks.reconcile()
        before = Activity.objects.count()
        for _ in range(5):
            recording.record_inspection(known, SILENCE)
            recording.record_inspection(known, TransportError("It said something odd."))
            recording.record_look(known)
        assert Activity.objects.count() == before and not Touched.objects.exists()

    def test_holds_the_decisions_about_what_was_seen(self, known: Firewall, box: Boxes) -> None:
        before = Activity.objects.count()
        box.file("/etc/nftables.conf", known.name).write_text("# by hand\n")
        tasks.check(str(known.pk))
        assert state(known) == "drifted" and Activity.objects.count() == before
        Api("operator").post(f"firewalls/{known.pk}/accept-drift/")
        (accepted,) = Activity.objects.filter(kind__in=["firewall", "drift"])[:1]
        assert accepted.kind == "drift" and accepted.who == "operator"
        assert (accepted.after or {})["accepted_by"] == "operator"

    def test_holds_that_a_key_was_dismissed(self, known: Firewall) -> None:
        error = TransportError("Another key.", offered_key="ssh-ed25519 AAAA")
        recording.record_inspection(known, error)
        assert Firewall.objects.get(pk=known.pk).key_changed
        client, before = visitor("operator"), Activity.objects.count()
        client.post(f"/firewalls/{known.pk}/host-key/dismiss/")
        assert not Firewall.objects.get(pk=known.pk).key_changed
        rows = Activity.objects.all()[: Activity.objects.count() - before]
        assert [(row.kind, [*(row.after or {})]) for row in rows] == [
            ("firewall", ["key_dismissed_at"])
        ]


class TestALookThatIsRefused:
    @pytest.fixture
    def stale(self, known: Firewall) -> Firewall:
        """Seen a month ago, and due."""
        month = timezone.now() - timedelta(days=30)
        Observation.objects.update(checked_at=month, check_due_at=timezone.now())
        return known

    def test_by_a_key_keeps_its_own_time_and_reason_and_is_not_in_sync(
        self, stale: Firewall, box: Boxes, settings: Any, tmp_path: Path
    ) -> None:
        box.file("/etc/nftables.conf", stale.name).write_text("# by hand\n")
        settings.SSH_KEY = ensure_key(tmp_path / "stranger")
        tasks.work()
        after = seen(stale)
        assert after.checked_at and timezone.now() - after.checked_at > timedelta(days=29)
        assert after.refused_at and "does not accept the key" in after.refusal
        assert state(stale) == "refused"
        shown = Api("viewer").get(f"firewalls/{stale.pk}/").json()
        assert (shown["state"], shown["refusal"]) == ("unreachable", after.refusal)
        for query, count in (("unreachable", 1), ("in_sync", 0)):
            assert Api("viewer").get(f"firewalls/?state={query}").json()["count"] == count
        assert says(visitor().get("/"), "could not be looked at")
        assert says(visitor().get("/firewalls/?state=refused"), stale.name)
        for page in ("", "drift/"):
            assert says(visitor().get(f"/firewalls/{stale.pk}/{page}"), "does not accept the key")

    def test_is_over_with_the_next_that_is_not(self, stale: Firewall) -> None:
        recording.record_inspection(stale, TransportError("It said something odd."))
        assert state(stale) == "refused"
        Observation.objects.update(check_due_at=timezone.now())
        tasks.work()
        assert state(stale) == "in_sync" and seen(stale).refusal == ""
        assert seen(stale).refused_at is None

    def test_by_another_host_key_is_one_too(self, stale: Firewall, tmp_path: Path) -> None:
        other = public_line(ensure_key(tmp_path / "old"))
        Firewall.objects.filter(pk=stale.pk).update(host_key=other)
        checked_at = seen(stale).checked_at
        tasks.work()
        assert seen(stale).refused_at and seen(stale).checked_at == checked_at
        assert state(stale) == "failed"

    @pytest.mark.parametrize(
        "result",
        [
            SILENCE,
            TransportError("It does not accept the key."),
            Outcome("refused", "FRR refuses it."),
            Outcome("rolled_back", "It went back."),
            NOT_TOLD,
        ],
        ids=["silence", "key", "refused", "rolled back", "unseen"],
    )
    def test_or_a_push_that_failed_is_no_look(
        self, stale: Firewall, result: Outcome | TransportError
    ) -> None:
        before = seen(stale).checked_at
        settle(started(stale), result, [])
        assert seen(stale).checked_at == before


class TestHowAPushEnds:
    @pytest.mark.parametrize(
        ("outcome", "sentence"),
        [
            ("confirmed", "said so over a new connection"),
            ("refused", "Nothing was changed: the firewall runs what it ran before"),
            ("rolled_back", "went back to what it ran before"),
            ("unseen", "Nobody saw how it ended"),
        ],
    )
    def test_is_one_word_from_the_row_to_the_page_and_over_rest(
        self, known: Firewall, outcome: str, sentence: str
    ) -> None:
        error = "" if outcome == "confirmed" else "It failed."
        ended = started(known)
        settle(ended, Outcome(outcome, error), [])
        page = visitor().get(f"/pushes/{ended.pk}/")
        assert says(page, sentence)
        assert says(page, "Nothing was changed") is (outcome == "refused")
        api = Api("viewer")
        shown = api.get(f"pushes/{ended.pk}/").json()
        promised = "failed" if outcome in ("refused", "unseen") else outcome
        assert (shown["state"], shown["outcome"]) == (promised, outcome)
        for name, value in (("state", promised), ("outcome", outcome)):
            ids = [row["id"] for row in api.get(f"pushes/?{name}={value}").json()["results"]]
            assert str(ended.pk) in ids
        words = [row["state"] for row in api.get("pushes/?ordering=state").json()["results"]]
        assert words == sorted(words)

    def test_unseen_counts_as_failed_for_a_rollout(self, make: Callable[..., Firewall]) -> None:
        rollout = rollouts.start([make("one"), make("two")], cause="all", sizes=[1, "rest"])
        running = claim_push(rollout.members.all()[0].push_id or "")
        assert running
        settle(running, NOT_TOLD, [])
        rollout.refresh_from_db()
        assert rollout.state == "stopped" and "1 had failed" in rollout.reason

    def test_unseen_is_resolved_by_the_next_look(self, known: Firewall, fra: World) -> None:
        fra.partition.management_prefixes = ["198.51.100.0/24"]
        fra.partition.save()
        tasks.reconcile()
        assert push(known).state == "confirmed"
        new = seen(known).applied
        old = known.revisions.get(number=1)
        Observation.objects.update(applied=old)  # as if nobody had seen that it was confirmed
        Push.objects.update(finished_at=timezone.now() - 3 * AT_IT)
        Push.objects.filter(revision=new).update(
            state="unseen", error="Not seen.", finished_at=timezone.now() - 2 * AT_IT
        )
        assert state(known) == "pending"
        unseen = Push.objects.get(state="unseen")
        Push.objects.filter(pk=unseen.pk).update(finished_at=timezone.now() - AT_IT / 2)
        tasks.check(str(known.pk))
        assert state(known) == "drifted", "it may still go back"
        Push.objects.filter(pk=unseen.pk).update(finished_at=unseen.finished_at)
        tasks.check(str(known.pk))
        assert seen(known).applied == new and state(known) == "in_sync"
        assert not Drift.objects.exists()
        assert says(visitor().get(f"/pushes/{unseen.pk}/"), "It was looked at since")

    def test_a_first_push_that_nobody_saw_end_is_resolved_by_the_next_look(
        self, known: Firewall
    ) -> None:
        """Without anything applied a look is a survey, which would not compare."""
        new, ended = seen(known).applied, timezone.now() - 2 * AT_IT
        Push.objects.update(state="unseen", error="Not seen.", finished_at=timezone.now())
        Observation.objects.update(applied=None, checked_at=None, check_due_at=timezone.now())
        tasks.work()
        assert seen(known).applied is None, "it may still go back"
        Push.objects.update(finished_at=ended)
        Observation.objects.update(checked_at=ended + AT_IT / 2, check_due_at=timezone.now())
        tasks.work()
        assert seen(known).applied == new and state(known) == "in_sync"

    def test_a_first_push_that_went_back_leaves_a_firewall_new(
        self, known: Firewall, box: Boxes
    ) -> None:
        Push.objects.update(state="unseen", finished_at=timezone.now() - 2 * AT_IT)
        Observation.objects.update(applied=None, checked_at=None, check_due_at=timezone.now())
        box.file("/etc/nftables.conf", known.name).write_text("# as it was\n")
        tasks.work()
        assert seen(known).applied is None and state(known) == "new"
        assert not claim_inspections(10)
        Observation.objects.update(check_due_at=timezone.now())
        assert [one.may_have_ours for one in claim_inspections(10)] == [False]

    def test_unseen_leaves_a_firewall_failed_until_it_was_looked_at(self, known: Firewall) -> None:
        settle(started(known), NOT_TOLD, [])
        due = seen(known).check_due_at
        assert state(known) == "failed" and due
        assert timedelta(0) < due - timezone.now() <= GONE_BACK
        tasks.check(str(known.pk))
        assert state(known) == "in_sync"


class TestWhatItCosts:
    def test_watching_a_push_reads_nothing_of_its_revision_s_files(self, known: Firewall) -> None:
        ended = Push.objects.get()
        client = visitor()
        for place in (f"/pushes/{ended.pk}/", f"/firewalls/{known.pk}/"):
            with CaptureQueriesContext(connection) as captured:
                client.get(place)
            pushes = [one["sql"] for one in captured if 'FROM "firewalls_push"' in one["sql"]]
            assert pushes and not [sql for sql in pushes if '_revision"."files"' in sql]


def test_the_database_makes_and_removes_the_row_of_what_was_seen(fra: World) -> None:
    home = fra.private("home", fra.shop)
    machine = Machine(
        name="raw", asn=4_210_000_099, partition=fra.partition, project=fra.shop, primary=home
    )
    machine.save()
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO firewalls_firewall (machine_id, uplinks, host, port, "user", host_key,'
            " practice) VALUES (%s, '{}', '', 22, 'x', '', false)",
            [machine.pk],
        )
        assert (Observation.objects.get().pk, Observation.objects.get().silences) == (machine.pk, 0)
        cursor.execute("DELETE FROM firewalls_firewall")
    assert not Observation.objects.exists()
