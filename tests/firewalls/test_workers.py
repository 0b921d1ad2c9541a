"""Workers that die at any step, share the work, or have wrong clocks: real processes, a real database, real boxes behind SSH."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.db.models.functions import Now
from django.utils import timezone

from firewalls import tasks
from firewalls.device import practice
from firewalls.device.keys import ensure_key
from firewalls.device.transport import Step
from firewalls.models import Firewall, Push, Revision
from firewalls.models.push import LOST_AFTER
from firewalls.pushing import engine, ledger
from tests.firewalls.boxes import GOOD, Boxes, boxes, wait_until
from tests.firewalls.off_clock import OffWorker
from tests.firewalls.running import PATIENT
from tests.world import World, world

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
    "verify",
    "check-bgp",
    "check-next-hops",
    "check-defaults",
    "probe",
    "confirm",
]
AT = ["claimed", *STEPS, "settle"]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boxes]:
    with boxes(tmp_path_factory.mktemp("practice"), APPLIER_TIMEOUT=PATIENT) as running:
        yield running


@pytest.fixture
def fra(box: Boxes, settings: Any, published: list[str]) -> World:
    settings.SSH_KEY = box.key
    return world()


@pytest.fixture
def make(fra: World, box: Boxes) -> Callable[[str], Firewall]:
    private = fra.private("shop", fra.shop)

    def made(name: str) -> Firewall:
        target = box.target(name)
        where = {
            "host": practice.HOST,
            "port": target.port,
            "user": target.user,
            "host_key": target.host_key,
            "practice": True,
        }
        return fra.firewall(name, fra.shop, private, **where)

    return made


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


def dies_at(point: str, push: Push) -> None:
    """Claim the push and bring it as far as this; then be killed as nothing can prevent."""
    told, note, writing = ledger.PushJob.told, ledger.record_progress, threading.Lock()

    def note_in_turn(jobs: list[ledger.PushJob]) -> None:
        with writing:
            note(jobs)

    async def tell(job: ledger.PushJob, step: Step) -> None:
        await told(job, step)
        if (step.name, step.state) == (point, "running"):
            with (
                writing
            ):  # the last word is this one, not what was about to be written down meanwhile
                job.changed = True
                note([job])
                os.kill(os.getpid(), signal.SIGKILL)

    def settle(*args: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    ledger.PushJob.told = tell  # type: ignore[assignment, method-assign]
    ledger.record_progress = note_in_turn
    if point == "settle":
        ledger.settle = settle  # type: ignore[assignment]
    claimed = Push.objects.claim(push.pk)
    assert claimed
    if point == "claimed":
        os.kill(os.getpid(), signal.SIGKILL)
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = (
        "1"  # the dying one writes down its last step from where it is
    )
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
    assert set(
        ended(*[worker(lambda point=point: dies_at(point, queued[point])) for point in AT])
    ) == {signal.SIGKILL}  # type: ignore[misc]
    died = {point: Push.objects.get(pk=queued[point].pk) for point in AT}
    assert {push.state for push in died.values()} == {"running"}
    assert all(died[point].steps[-1]["name"] == point for point in STEPS), (
        "the row says at which step it was"
    )
    after(LOST_AFTER / 2)
    assert Push.objects.requeue_lost() == 0, "nobody is taken for dead too early"
    after(LOST_AFTER + timedelta(seconds=1))
    tasks.reconcile()
    tasks.work()
    for point, firewall in firewalls.items():
        row = Push.objects.get(pk=queued[point].pk)
        assert (row.state, row.attempts, row.revision) == (
            "confirmed",
            2,
            Firewall.objects.get(pk=firewall.pk).applied,
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
def held(box: Boxes, name: str) -> Iterator[None]:
    """The box is busy for as long as the block runs: its lock is held, and whoever pushes there waits."""
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
    """Asked again and again: whether the push waits for its box, and its worker has said since the first time that it lives."""
    seen: list[object] = []

    def asked() -> bool:
        row = Push.objects.get(pk=push.pk)
        if row.state == "running" and row.steps and row.steps[-1]["name"] == "lock":
            seen.append(row.heartbeat_at)
        return len(set(seen)) > 1

    return asked


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_worker_whose_clock_is_off_by_an_hour_takes_nothing_from_others_nor_they_from_it(
    make: Callable[[str], Firewall], box: Boxes, hours: int
) -> None:
    """Who lives, and whose a look at a firewall is, is told by the database's clock alone."""
    ours, theirs, looked_at = (
        make(f"{name}-{hours + 1}") for name in ("ours", "theirs", "looked-at")
    )
    Firewall.objects.filter(pk=looked_at.pk).update(
        check_due_at=Now() + ledger.LEASE
    )  # somebody looks at it right now
    lease, began = Firewall.objects.get(pk=looked_at.pk).check_due_at, timezone.now()

    def right_clock() -> None:
        claimed = Push.objects.claim(mine.pk)
        assert claimed
        engine.run(claimed)

    with held(box, ours.name), held(box, theirs.name):
        mine = Push.objects.enqueue(ours)
        pid = worker(right_clock)
        wait_until(beats(mine))
        other = Push.objects.enqueue(theirs)
        off, beat = OffWorker(hours), beats(other)
        wait_until(lambda: off.works() and beat())
        assert Push.objects.requeue_lost() == 0
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
    assert Firewall.objects.get(pk=looked_at.pk).check_due_at == lease


class TestRowsTellTheTruth:
    """How a push ended, and what the box has after it."""

    def push(self, firewall: Firewall, revision: Revision | None = None) -> Push:
        queued = Push.objects.enqueue(firewall, revision=revision)
        tasks.work()
        queued.refresh_from_db()
        return queued

    def test_of_a_configuration_that_the_box_takes_back(
        self, make: Callable[[str], Firewall], fra: World, box: Boxes
    ) -> None:
        firewall = make("takes-back")
        assert self.push(firewall).state == "confirmed"
        old, applied = box.files("takes-back"), Firewall.objects.get().applied
        probe = box.file("/etc/shared-networks/probes/storage", "takes-back")
        probe.parent.mkdir(parents=True)
        probe.write_text("#!/bin/sh\necho storage is away; exit 1\n")
        probe.chmod(0o755)
        fra.partition.management_prefixes = ["198.51.100.0/24"]
        fra.partition.save()
        done = self.push(firewall)
        assert (
            done.state == "rolled_back"
            and "failed at probe and went back: storage is away" in done.error
        )
        assert box.files("takes-back") == old and Firewall.objects.get().applied == applied
        assert Firewall.objects.with_state().get().state == "failed"

    def test_of_a_key_that_the_box_does_not_know(
        self, make: Callable[[str], Firewall], box: Boxes, settings: Any, tmp_path: Any
    ) -> None:
        settings.SSH_KEY = ensure_key(tmp_path / "stranger")
        done = self.push(make("stranger"))
        assert (
            done.state == "failed"
            and "does not accept the key of this product" in done.error
            and box.files("stranger") == {}
        )
        assert Firewall.objects.get().unreachable_since is None

    def test_of_a_box_that_another_push_keeps_busy(
        self, make: Callable[[str], Firewall], box: Boxes
    ) -> None:
        firewall = make("busy")
        with held(box, "busy"):
            queued = Push.objects.enqueue(firewall)
            pid = worker(tasks.work)
            wait_until(beats(queued))
        assert ended(pid) == [0]
        done = Push.objects.get()
        assert (
            done.state == "confirmed"
            and next(step for step in done.steps if step["name"] == "lock")["seconds"] > 1
        ), "it waits its turn"
