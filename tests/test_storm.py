"""A storm of writes at all doors while reconcile renders and workers end pushes: nobody is refused
for the others' sake.

`make storm` is the same for a minute, against everything as `make run` starts it.
"""

import json
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from config.checking import check
from firewalls import tasks
from firewalls.device.transport import Outcome
from firewalls.models import Push
from firewalls.pushing import claiming, preparing, recording, settling
from firewalls.pushing.jobs import PushJob
from tests.storm.doors import Door
from tests.storm.people import PERSON
from tests.storm.writers import PROGRAM, Writer, build
from tests.test_admin import staff

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS, PROGRAMS, PEOPLE = 8.0, 7, 5


class InThisProcess(Door):
    """By Django's test client, which answers 500 as a server does."""

    def __init__(self) -> None:
        self.client: Client = staff()
        self.client.raise_request_exception = False

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        data = "" if body is None else json.dumps(body)
        answer = self.client.generic(method, f"/api/v1/{path}", data, "application/json")
        return answer.status_code, _json(answer.content)

    def post(self, path: str, data: dict[str, str]) -> int:
        return self.client.post(path, data).status_code

    def look(self, path: str) -> int:
        return self.client.get(path).status_code


def _json(text: bytes) -> Any:
    return json.loads(text) if text[:1] in (b"{", b"[") else None


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def push_all(chance: random.Random) -> None:
    """As a worker does, but that no firewall is spoken to."""
    claimed = claiming.claim_pushes(10)
    recording.record_progress([PushJob(push, {}) for push in claimed])
    for job in preparing.prepare(claimed):
        settling.settle(job.push, Outcome(chance.choice(["confirmed", "refused"])), [])


def until(stop: threading.Event, work: Callable[[], None]) -> int:
    """How often it was done."""
    times = 0
    try:
        while not stop.is_set():
            work()
            times += 1
    finally:
        connection.close()
    return times


@pytest.fixture
def writers(published: list[str], monkeypatch: pytest.MonkeyPatch) -> list[Writer]:
    monkeypatch.setattr(
        "firewalls.configuration.checks.complaints_of_each", lambda files: [[] for _ in files]
    )
    build(InThisProcess())
    return [
        Writer(InThisProcess(), random.Random(number), f"w{number}")
        for number in range(PROGRAMS + PEOPLE)
    ]


def storm(writers: list[Writer]) -> None:
    """All write for so long, while three workers do what they always do."""
    stop = threading.Event()

    def write(number: int) -> None:
        try:
            writers[number].run(SECONDS, PROGRAM if number < PROGRAMS else PERSON)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(writers) + 3) as pool:
        workers = [pool.submit(until, stop, tasks.reconcile) for _ in range(2)]
        workers.append(pool.submit(until, stop, lambda: push_all(random.Random(1))))
        try:
            list(pool.map(write, range(len(writers))))
        finally:
            stop.set()
        assert all(each.result() > 3 for each in workers)


def test_nobody_is_refused_because_others_write(writers: list[Writer]) -> None:
    before = deadlocks()
    storm(writers)
    assert [failure for writer in writers for failure in writer.failures] == []
    assert deadlocks() == before
    done = {what for writer in writers for what, status in writer.answers if status < 400}
    assert {"DELETE firewalls/.", "PATCH firewalls/.", "POST endpoints", "POST rollouts"} <= done
    assert {"form firewalls/./push", "form admin/firewalls/firewall/./delete"} <= done
    made = {what for writer in writers for what, status in writer.answers if status == 302}
    assert {"form admin/networks/network/add", "form firewalls/./join/backup"} <= made
    assert Push.objects.filter(state=Push.State.CONFIRMED).exists()
    assert list(check()) == []
