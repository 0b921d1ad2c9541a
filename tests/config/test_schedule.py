"""What beat sends, and what becomes of it where no worker takes it in time."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery.beat import ScheduleEntry, Scheduler
from celery.contrib.testing.worker import start_worker

from config.celery import app

QUEUE = "celery"
ROUNDS_WITHOUT_WORKER = 20


@pytest.fixture(autouse=True)
def empty_queue() -> Iterator[None]:
    app.control.purge()
    yield
    app.control.purge()


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The times at which reconcile was run, instead of running it."""
    times: list[datetime] = []
    task = app.tasks["firewalls.tasks.reconcile"]
    monkeypatch.setattr(task, "run", lambda: times.append(datetime.now(UTC)))
    return times


def scheduled() -> dict[str, ScheduleEntry]:
    scheduler = Scheduler(app, lazy=True)
    scheduler.setup_schedule()
    return {
        name: entry for name, entry in scheduler.schedule.items() if not name.startswith("celery")
    }


def send(entry: ScheduleEntry) -> None:
    """As beat does."""
    Scheduler(app, lazy=True).apply_async(entry, advance=False)


def ending_in(seconds: float, entry: ScheduleEntry) -> ScheduleEntry:
    """The same with so much time until it is over."""
    options = {"expires": seconds}
    return ScheduleEntry(entry.name, entry.task, schedule=entry.schedule, options=options, app=app)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("name", ["reconcile", "prune"])
def test_every_round_ends_by_itself_soon_after_the_next_one_is_due(name: str) -> None:
    entry = scheduled()[name]
    send(entry)
    with app.connection_for_read() as connection:
        message: Any = connection.SimpleQueue(QUEUE).get(timeout=5)
        message.ack()
    left = datetime.fromisoformat(message.headers["expires"]) - datetime.now(UTC)
    period = app.conf.beat_schedule[name]["schedule"]
    assert period - timedelta(seconds=5) < left <= max(period, timedelta(minutes=1))


def test_a_worker_that_comes_back_runs_the_last_round_alone(rounds: list[datetime]) -> None:
    entry = scheduled()["reconcile"]
    for _ in range(ROUNDS_WITHOUT_WORKER):
        send(ending_in(0.05, entry))
    time.sleep(0.1)
    send(entry)
    with start_worker(app, perform_ping_check=False):
        wait_until(lambda: bool(rounds))  # messages are taken in their order, so that was the last
    assert len(rounds) == 1 and app.control.purge() == 0
