"""Pushes as rows: claimed once, settled truthfully, queued again when their worker died."""

from datetime import timedelta

import pytest
from django.utils import timezone

from firewalls import tasks
from firewalls.allocation import join, leave
from firewalls.device.transport import Outcome
from firewalls.models import Firewall, Push, Revision
from firewalls.pushing.claiming import LOST_AFTER, MOST_ATTEMPTS, claim_push
from firewalls.pushing.settling import finish
from tests.conftest import needs
from tests.firewalls.boxes import Boxes
from tests.firewalls.pushes import push, state
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_new_firewall_is_in_sync_once_its_push_is_confirmed(
    firewall: Firewall, box: Boxes
) -> None:
    assert state(firewall) == "new"
    done = push(firewall)
    assert (done.state, done.error, state(firewall)) == ("confirmed", "", "in_sync")
    assert done.revision is not None and done.started_at and done.finished_at
    assert [step["name"] for step in done.steps][0:2] == ["render", "connect"] and done.steps[-1][
        "name"
    ] == "confirm"
    assert (
        box.file("/etc/frr/frr.conf", firewall.name).read_text()
        == done.revision.files["/etc/frr/frr.conf"]
    )


def test_what_the_applier_would_not_take_is_not_sent(firewall: Firewall, box: Boxes) -> None:
    files = {"/etc/frr/frr.conf": "!\n", "/etc/nftables.conf": "# one more rule\n" * 260_000}
    large = Revision.objects.create(
        firewall=firewall, number=2, digest="large", files=files, cause="many rules"
    )
    done = push(firewall, revision=large)
    assert done.state == "refused" and done.error.startswith(
        "It was not sent: The configuration has 4.2 MB, and a firewall takes 4.0 MB."
    )
    assert not box.file("/etc/nftables.conf", firewall.name).exists()


def test_what_the_parsers_here_refuse_is_not_sent(firewall: Firewall, box: Boxes) -> None:
    needs("vtysh")
    files = {
        "/etc/frr/frr.conf": "frr version 8.4.4\nroutr bgp 1\nend\n",
        "/etc/nftables.conf": "\n",
    }
    bad = Revision.objects.create(
        firewall=firewall, number=2, digest="bad", files=files, cause="by mistake"
    )
    done = push(firewall, revision=bad)
    assert done.state == "refused" and done.error.startswith(
        "It was not sent: vtysh refuses the configuration:"
    )
    assert [(step["name"], step["state"]) for step in done.steps] == [
        ("render", "ok"),
        ("check", "failed"),
    ]
    assert (
        "routr bgp 1" in done.steps[-1]["output"]
        and not box.file("/etc/frr/frr.conf", firewall.name).exists()
    )


def test_joining_makes_it_pending_and_a_push_of_an_older_revision_goes_back(
    fra: World, firewall: Firewall, box: Boxes
) -> None:
    first = push(firewall).revision
    join(firewall, fra.private("storage", fra.storage, shared=True), by="ada")
    assert state(firewall) == "pending"
    second = push(firewall).revision
    assert (
        first
        and second
        and (first.number, second.number, second.cause) == (1, 2, f"{firewall.name} joined storage")
    )
    assert push(firewall, revision=first).revision == first
    assert (
        box.file("/etc/frr/frr.conf", firewall.name).read_text() == first.files["/etc/frr/frr.conf"]
    )
    assert state(firewall) == "pending"


def test_leaving_what_was_joined_wants_the_first_revision_again(
    fra: World, firewall: Firewall
) -> None:
    storage = fra.private("storage", fra.storage, shared=True)
    join(firewall, storage)
    leave(firewall, storage)
    firewall.refresh_from_db()
    assert firewall.wanted and firewall.wanted.number == 1 and firewall.revisions.count() == 2


def test_a_firewall_that_does_not_answer_is_unreachable_until_it_answers(
    firewall: Firewall,
) -> None:
    good = firewall.port
    Firewall.objects.filter(pk=firewall.pk).update(port=1)
    failed = push(firewall)
    assert (
        failed.state == "refused"
        and "does not answer" in failed.error
        and state(firewall) == "unreachable"
    )
    Firewall.objects.filter(pk=firewall.pk).update(port=good)
    assert push(firewall).state == "confirmed" and state(firewall) == "in_sync"


def test_a_box_that_refuses_leaves_the_firewall_failed(firewall: Firewall, box: Boxes) -> None:
    box.file("/etc/frr", firewall.name).rmdir()
    box.file("/etc/frr", firewall.name).write_text("in the way\n")
    done = push(firewall)
    assert done.state == "rolled_back" and "write" in done.error and state(firewall) == "failed"


def test_drift_is_found_and_a_push_mends_it(firewall: Firewall, box: Boxes) -> None:
    push(firewall)
    box.file("/etc/nftables.conf", firewall.name).write_text("# by hand\n")
    tasks.check(str(firewall.pk))
    firewall.refresh_from_db()
    assert state(firewall) == "drifted" and firewall.observation.drift == "/etc/nftables.conf"
    assert push(firewall).state == "confirmed" and state(firewall) == "in_sync"


def test_a_push_asked_for_twice_runs_once(firewall: Firewall) -> None:
    first, second = Push.objects.enqueue(firewall), Push.objects.enqueue(firewall)
    assert first == second
    tasks.work()
    tasks.work()
    assert Push.objects.get().attempts == 1


class TestLost:
    @pytest.fixture
    def lost(self, firewall: Firewall) -> Push:
        claimed = claim_push(Push.objects.enqueue(firewall).pk)
        assert claimed is not None
        Push.objects.filter(pk=claimed.pk).update(
            heartbeat_at=timezone.now() - LOST_AFTER - timedelta(seconds=1)
        )
        return claimed

    def test_a_push_of_a_dead_worker_is_queued_again_and_ends_confirmed_once(
        self, lost: Push, published: list[str]
    ) -> None:
        tasks.reconcile()
        lost.refresh_from_db()
        assert lost.state == "queued" and "firewalls.tasks.work" in published
        tasks.work()
        assert [(row.state, row.attempts) for row in Push.objects.all()] == [("confirmed", 2)]

    def test_the_worker_given_up_on_cannot_overwrite_the_verdict(self, lost: Push) -> None:
        tasks.reconcile()
        tasks.work()
        assert not finish(lost, Outcome("refused", "too late"))
        assert Push.objects.get().state == "confirmed"

    def test_a_newer_push_that_waits_takes_over(self, firewall: Firewall, lost: Push) -> None:
        newer = Push.objects.enqueue(firewall)
        tasks.reconcile()
        lost.refresh_from_db()
        assert lost.state == "superseded"
        tasks.work()
        newer.refresh_from_db()
        assert newer.state == "confirmed"

    def test_a_push_that_kills_its_workers_is_given_up(self, lost: Push) -> None:
        Push.objects.update(attempts=MOST_ATTEMPTS)
        tasks.reconcile()
        lost.refresh_from_db()
        assert lost.state == "unseen" and "died" in lost.error

    def test_a_push_that_beats_is_left_alone(self, firewall: Firewall) -> None:
        claimed = claim_push(Push.objects.enqueue(firewall).pk)
        tasks.reconcile()
        assert claimed and Push.objects.get().state == "running"


def test_a_push_while_another_runs_waits_for_it(firewall: Firewall) -> None:
    claim_push(Push.objects.enqueue(firewall).pk)
    waiting = Push.objects.enqueue(firewall)
    tasks.work()
    waiting.refresh_from_db()
    assert waiting.state == "queued"


class TestReconcile:
    def test_pushes_by_itself_only_where_the_partition_says_so(
        self, fra: World, firewall: Firewall
    ) -> None:
        tasks.reconcile()
        assert not Push.objects.exists()
        fra.partition.auto_push = True
        fra.partition.save()
        tasks.reconcile()
        assert Push.objects.get().requested_by == "reconcile"

    def test_notes_what_a_change_elsewhere_makes_it_want(
        self, fra: World, firewall: Firewall
    ) -> None:
        push(firewall)
        fra.partition.management_prefixes = ["198.51.100.0/24"]
        fra.partition.save()
        assert state(firewall) == "in_sync"
        tasks.reconcile()
        assert state(firewall) == "pending"
