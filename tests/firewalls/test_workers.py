"""Workers that die at any step, share the work, or have wrong clocks.

Real processes, a real database, and practice firewalls behind a real SSH server.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connections
from django.db.models.functions import Now
from django.utils import timezone

from firewalls import tasks
from firewalls.device.keys import ensure_key
from firewalls.device.transport import Step
from firewalls.models import Firewall, Observation, Push
from firewalls.pushing import engine, recording, settling
from firewalls.pushing.claiming import LEASE, LOST_AFTER, claim_push, requeue_lost
from firewalls.pushing.jobs import PushJob
from tests.firewalls.boxes import GOOD, Boxes, wait_until
from tests.firewalls.off_clock import OffWorker
from tests.firewalls.pushes import push
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = [
    "connect",
    "lock",
    "version",
    "unpack",
    "check-nftables",
    "check-frr",
    "save",
    "arm-rollback",
    "write",
    "load-system",
    "load-nftables",
    "load-frr",
    "take-down",
    "verify",
    "check-bgp",
    "check-next-hops",
    "probe",
    "confirm",
]
AT = ["claimed", *STEPS, "settle"]


def worker(work: Callable[[], object]) -> int:
    """Another worker process: its process id."""
    connections.close_all()
    if child := os.fork():
        return child
    try:
        work()
    finally:
        os._exit(0)


def ended(*workers: int) -> list[int]:
    """The signals that these processes died of."""
    return [os.WTERMSIG(os.waitpid(pid, 0)[1]) for pid in workers]


def die(*args: object) -> None:
    """Be killed as nothing can prevent."""
    os.kill(os.getpid(), signal.SIGKILL)


def dies_at(point: str, push: Push) -> None:
    """Claim the push, run it as far as this, and die."""
    record_step = PushJob.record_step
    record_progress = recording.record_progress
    writing = threading.Lock()

    def record_in_turn(jobs: list[PushJob]) -> None:
        with writing:
            record_progress(jobs)

    async def record_and_die(job: PushJob, step: Step) -> None:
        await record_step(job, step)
        if (step.name, step.state) == (point, "running"):
            # What is written last is this step, not what was about to be written meanwhile.
            with writing:
                job.changed = True
                record_progress([job])
                die()

    PushJob.record_step = record_and_die  # type: ignore[assignment, method-assign]
    recording.record_progress = record_in_turn
    if point == "settle":
        settling.settle = die  # type: ignore[assignment]
    claimed = claim_push(push.pk)
    assert claimed
    if point == "claimed":
        die()
    # The dying one writes down its last step from where it is.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    engine.run(claimed)


def after(period: timedelta) -> None:
    """So much time passes for the heartbeats of running pushes."""
    Push.objects.filter(state="running").update(heartbeat_at=Now() - period)


def test_a_worker_killed_at_any_step_loses_nothing_and_doubles_nothing(
    make: Callable[[str], Firewall], fra: World, box: Boxes
) -> None:
    firewalls = {point: make(f"dies-at-{point}") for point in AT}
    for firewall in firewalls.values():
        Push.objects.enqueue(firewall)
    tasks.work()
    old = {point: box.files(firewall.name) for point, firewall in firewalls.items()}
    fra.partition.management_prefixes = ["198.51.100.0/24"]
    fra.partition.save()
    queued = {
        point: Push.objects.enqueue(firewall, by="ada") for point, firewall in firewalls.items()
    }
    workers = [worker(partial(dies_at, point, queued[point])) for point in AT]
    assert set(ended(*workers)) == {signal.SIGKILL}
    died = {point: Push.objects.get(pk=queued[point].pk) for point in AT}
    assert {push.state for push in died.values()} == {"running"}
    assert all(died[point].steps[-1]["name"] == point for point in STEPS), (
        "the row says at which step it was"
    )
    after(LOST_AFTER / 2)
    assert requeue_lost() == 0, "nobody is taken for dead too early"
    after(LOST_AFTER + timedelta(seconds=1))
    tasks.reconcile()
    tasks.work()
    for point, firewall in firewalls.items():
        row = Push.objects.get(pk=queued[point].pk)
        assert (row.state, row.attempts, row.revision) == (
            "confirmed",
            2,
            Observation.objects.get(pk=firewall.pk).applied,
        ), point
        assert row.revision and box.files(firewall.name) != old[point], point
        assert box.files(firewall.name) == {path: row.revision.files[path] for path in GOOD}, point
    assert Push.objects.count() == 2 * len(AT)


def test_two_workers_share_the_pushes_and_none_is_run_twice(
    make: Callable[[str], Firewall],
) -> None:
    for number in range(10):
        Push.objects.enqueue(make(f"shared-{number}"))
    assert ended(*[worker(tasks.work) for _ in range(3)]) == [0, 0, 0]
    assert sorted(Push.objects.values_list("state", "attempts")) == [("confirmed", 1)] * 10


@contextmanager
def locked(box: Boxes, name: str) -> Iterator[None]:
    """The box is locked for as long as the block runs: whoever pushes there waits."""
    lock = box.file("/var/lib/shared-networks/busy", name)
    lock.parent.mkdir(parents=True, exist_ok=True)
    holder = subprocess.Popen(["flock", "-F", str(lock), "sleep", "600"])
    try:
        wait_until(
            lambda: subprocess.run(["flock", "-n", str(lock), "true"], check=False).returncode == 1
        )
        yield
    finally:
        holder.kill()
        holder.wait()


def beats(push: Push) -> Callable[[], bool]:
    """A function to call again and again: whether the push waits for its box, and its worker lives.

    It lives if it has written that down since the first call.
    """
    heartbeats: list[object] = []

    def lives() -> bool:
        row = Push.objects.get(pk=push.pk)
        if row.state == "running" and row.steps and row.steps[-1]["name"] == "lock":
            heartbeats.append(row.heartbeat_at)
        return len(set(heartbeats)) > 1

    return lives


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_worker_whose_clock_is_off_by_an_hour_takes_nothing_from_others_nor_they_from_it(
    make: Callable[[str], Firewall], box: Boxes, hours: int
) -> None:
    """Who lives, and whose an inspection is, is decided by the database's clock alone."""
    names = ("ours", "theirs", "inspected")
    ours, theirs, inspected = (make(f"{name}-{hours + 1}") for name in names)
    Observation.objects.filter(pk=inspected.pk).update(
        check_due_at=Now() + LEASE
    )  # somebody inspects it right now
    lease, began = Observation.objects.get(pk=inspected.pk).check_due_at, timezone.now()

    def right_clock() -> None:
        claimed = claim_push(mine.pk)
        assert claimed
        engine.run(claimed)

    with locked(box, ours.name), locked(box, theirs.name):
        mine = Push.objects.enqueue(ours)
        pid = worker(right_clock)
        wait_until(beats(mine))
        other = Push.objects.enqueue(theirs)
        off, beat = OffWorker(hours), beats(other)
        wait_until(lambda: off.works() and beat())
        assert requeue_lost() == 0
        wait_until(beats(mine))
    assert ended(pid) == [0] and off.ended()
    for row in Push.objects.all():
        assert (
            (row.state, row.attempts) == ("confirmed", 1)
            and row.started_at
            and row.heartbeat_at
            and row.finished_at
        )
        assert began < row.started_at < row.heartbeat_at < row.finished_at < timezone.now(), row
    assert Push.objects.count() == 2
    assert Observation.objects.get(pk=inspected.pk).check_due_at == lease


class TestRowsTellTheTruth:
    """How a push ended, and what the box has after it."""

    def test_of_a_configuration_that_the_box_takes_back(
        self, make: Callable[[str], Firewall], fra: World, box: Boxes
    ) -> None:
        firewall = make("takes-back")
        assert push(firewall).state == "confirmed"
        old, applied = box.files("takes-back"), Observation.objects.get().applied
        probe = box.file("/etc/shared-networks/probes/storage", "takes-back")
        probe.parent.mkdir(parents=True)
        probe.write_text("#!/bin/sh\necho storage is away; exit 1\n")
        probe.chmod(0o755)
        fra.partition.management_prefixes = ["198.51.100.0/24"]
        fra.partition.save()
        done = push(firewall)
        assert (
            done.state == "rolled_back"
            and "failed at probe and went back: storage is away" in done.error
        )
        assert box.files("takes-back") == old and Observation.objects.get().applied == applied
        assert Firewall.objects.with_state().get().state == "failed"

    def test_of_a_key_that_the_box_does_not_know(
        self, make: Callable[[str], Firewall], box: Boxes, settings: Any, tmp_path: Any
    ) -> None:
        settings.SSH_KEY = ensure_key(tmp_path / "stranger")
        done = push(make("stranger"))
        assert (
            done.state == "refused"
            and "does not accept the key of this product" in done.error
            and box.files("stranger") == {}
        )
        assert Observation.objects.get().unreachable_since is None

    def test_of_a_box_that_another_push_keeps_busy(
        self, make: Callable[[str], Firewall], box: Boxes
    ) -> None:
        firewall = make("busy")
        with locked(box, "busy"):
            queued = Push.objects.enqueue(firewall)
            pid = worker(tasks.work)
            wait_until(beats(queued))
        assert ended(pid) == [0]
        done = Push.objects.get()
        assert (
            done.state == "confirmed"
            and next(step for step in done.steps if step["name"] == "lock")["seconds"] > 1
        ), "it waits its turn"
