"""A rollout of two hundred, a hostile firewall among them, and all that fails meanwhile.

Nothing is mocked but the boxes, which keep a log of what they did: the worker and beat are killed,
PostgreSQL is stopped and started ten seconds later, Valkey is emptied, and the disk is full. What
the product says is laid beside the logs, and what its web server answers meanwhile is counted.
"""

import fcntl
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
import redis

from tests.config.fleet_of_boxes import Fleet, fleet
from tests.firewalls.hostile_box import HostileBox, endless, hostile_box
from tests.stack import Stack, running

MANY, SECONDS = 200, 1.5
AWAY, FULL = 10, 3  # seconds
DISK = 600  # megabytes
PATIENCE = 300
EVIL = "evil"
BUILD = """
import json, sys
from django.db import transaction
from firewalls.intent import changes
from firewalls.models import Attachment, Firewall
from machines.models import Machine
from networks.models import Address
from tests.world import world
many, evil, boxes, hostile = json.loads({arguments!r})
fra = world()
private = fra.private("shop", fra.shop)
names = [f"fw-{{n:03}}" for n in range(many)] + [evil]
prefixes = [net.prefixes.get() for net in (private, fra.fabric)]
with transaction.atomic():
    common = dict(partition=fra.partition, project=fra.shop, primary=private)
    machines = Machine.objects.bulk_create(
        Machine(name=name, asn=4210000100 + n, **common) for n, name in enumerate(names)
    )
    firewalls = Firewall.objects.bulk_create(
        Firewall(machine=one, user=one.name, **(hostile if one.name == evil else boxes))
        for one in machines
    )
    Attachment.objects.bulk_create(Attachment(firewall=one, network=fra.fabric) for one in firewalls)
    for prefix in prefixes:
        first = prefix.cidr.network_address + 10
        common = dict(prefix=prefix, project=fra.shop)
        Address.objects.bulk_create(
            Address(address=first + n, machine=one, **common) for n, one in enumerate(machines)
        )
"""
TRUTH = """
import json
from firewalls.models import Firewall, Push, Rollout
rollout = Rollout.objects.with_progress().get()
rows = Push.objects.select_related("revision", "firewall__machine", "firewall__observation__applied")
print(json.dumps({
    "state": rollout.state,
    "counts": [rollout.total, rollout.confirmed, rollout.failed, rollout.waiting],
    "pushes": [
        [
            push.firewall.name,
            push.state,
            push.attempts,
            push.revision.digest if push.revision else "",
            push.firewall.observation.applied.digest if push.firewall.observation.applied else "",
        ]
        for push in rows
    ],
}))
"""


class Answer(NamedTuple):
    status: int
    body: str


@dataclass
class Clients:
    """A program that reads and writes, and a load balancer that asks whether it is ready."""

    stack: Stack
    token: str
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    unready: set[str] = field(default_factory=set)
    made: dict[str, int] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.stack.port, timeout=60)
        headers = {
            "Host": "localhost",
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
        }
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode())
        finally:
            connection.close()

    def run(self) -> None:
        number = 0
        while not self.ended.wait(0.15):
            number += 1
            project = {"id": f"p{number}", "name": "p", "description": "x" * 400}
            wrote = self._note("write", self.ask("POST", "/api/v1/projects/", project))
            self.made[project["id"]] = wrote.status
            self._note("read", self.ask("GET", "/api/v1/rollouts/?limit=1"))
            self._note("page", self.ask("GET", "/rollouts/"))
            self._ready(self.ask("GET", "/readyz"))

    def _note(self, what: str, answer: Answer) -> Answer:
        self.answers[what, answer.status] += 1
        if answer.status == http.HTTPStatus.SERVICE_UNAVAILABLE and what != "page":
            self.reasons[json.loads(answer.body)["non_field_errors"][0]["code"]] += 1
        elif answer.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR and what != "page":
            self.bad.append(f"{what} {answer.status}: {answer.body[:300]}")
        return answer

    def _ready(self, answer: Answer) -> None:
        if answer.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            self.unready |= {f"{k}: {v}" for k, v in json.loads(answer.body)["failing"].items()}


@pytest.fixture(scope="module")
def disk() -> Iterator[Path]:
    """A small disk of its own."""
    folder = Path(tempfile.mkdtemp(prefix="sn-chaos-"))
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}m,mode=0700", "none", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("a small disk, to be filled, needs root and the right to mount: run as root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
        with suppress(OSError):
            shutil.rmtree(folder)


@pytest.fixture(scope="module")
def boxes() -> Iterator[Fleet]:
    with fleet(SECONDS) as made:
        yield made


@pytest.fixture(scope="module")
def evil() -> Iterator[HostileBox]:
    with hostile_box() as box:
        zeros = b"begin\ttoken\t1\nstep\ta\0b\tfailed\tAAAA\ndone\tfailed\n"
        box.answers |= {"apply": zeros, "survey": endless, "show": endless}
        yield box


@pytest.fixture(scope="module")
def stack(disk: Path, boxes: Fleet, evil: HostileBox) -> Iterator[Stack]:
    with running(disk, DEMO="none") as started:
        fields = {"host": "127.0.0.1", "port": boxes.port, "host_key": boxes.host_key}
        hostile = {"host": "127.0.0.1", "port": evil.port, "host_key": evil.host_key}
        arguments = json.dumps([MANY, EVIL, fields, hostile])
        shell(started, BUILD.format(arguments=arguments))
        yield started


def shell(stack: Stack, code: str) -> str:
    return stack.manage("shell", "-v", "0", "-c", code)


def kill(pids: list[int]) -> None:
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


@contextmanager
def nobody_starts_it(stack: Stack) -> Iterator[None]:
    """Whoever would start what has died waits meanwhile."""
    with (stack.var / "start.lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def postgres_is_away(stack: Stack) -> None:
    with nobody_starts_it(stack):
        (pid,) = stack.postgres()
        os.kill(pid, signal.SIGINT)
        psutil.Process(pid).wait(30)
        time.sleep(AWAY)


def empty_valkey(stack: Stack) -> None:
    redis.Redis(unix_socket_path=str(stack.var / "valkey" / "valkey.sock")).flushall()


def fill_the_disk(stack: Stack) -> None:
    filler = stack.var / "filler"
    with filler.open("wb") as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 20))
    time.sleep(FULL)
    filler.unlink()


def mishaps(stack: Stack) -> list[tuple[int, Callable[[], None]]]:
    """What happens once so many were confirmed."""
    return [
        (1, lambda: kill(stack.pids("celery", "--pool"))),
        (20, lambda: postgres_is_away(stack)),
        (40, lambda: empty_valkey(stack)),
        (60, lambda: kill(stack.pids("celery", "beat"))),
        (80, lambda: fill_the_disk(stack)),
        (120, lambda: kill(stack.pids("celery", "--pool"))),
    ]


def watched(clients: Clients, place: str, boxes: Fleet, pending: list[Any]) -> str:
    """Watch until it ends; what it says is laid beside what the boxes have done."""
    deadline, before = time.monotonic() + PATIENCE, 0
    while time.monotonic() < deadline:
        answer = clients.ask("GET", place)
        if answer.status != http.HTTPStatus.OK:
            time.sleep(0.3)
            continue
        shown = json.loads(answer.body)
        confirmed = shown["progress"]["confirmed"]
        assert before <= confirmed <= boxes.confirmed(), "claimed what no box has done"
        before = confirmed
        while pending and confirmed >= pending[0][0]:
            pending.pop(0)[1]()
        if shown["state"] in ("stopped", "finished"):
            return str(shown["state"])
        time.sleep(0.2)
    raise AssertionError(f"{before} were confirmed in {PATIENCE} s: {clients.stack.output[-20:]}")


def test_nothing_is_lost_doubled_or_falsely_claimed(stack: Stack, boxes: Fleet) -> None:
    clients = Clients(stack, stack.manage("create_token", "robot", "--role", "admin"))
    asked = {"filter": {"partition": "fra"}, "waves": [1, "10%", "rest"], "max_failures": 1}
    started = clients.ask("POST", "/api/v1/rollouts/", asked)
    assert started.status == http.HTTPStatus.ACCEPTED, started
    place = f"/api/v1/rollouts/{json.loads(started.body)['id']}/"
    thread, pending = threading.Thread(target=clients.run), mishaps(stack)
    thread.start()
    try:
        state = watched(clients, place, boxes, pending)
    finally:
        clients.ended.set()
        thread.join()
    assert (state, pending) == ("finished", [])
    truth = json.loads(shell(stack, TRUTH))
    assert truth["counts"] == [MANY + 1, MANY, 1, 0]
    lies = [row for row in truth["pushes"] if not is_true(row, boxes)]
    assert lies == [] and len(truth["pushes"]) == MANY + 1, "a push was lost, or doubled"
    answered_well(clients)


def is_true(row: list[Any], boxes: Fleet) -> bool:
    """Whether what the product says of a push is what the box has done."""
    name, state, attempts, digest, applied = row
    if name == EVIL:
        return state in ("refused", "unseen") and not applied
    box = boxes.boxes[name]
    claimed = state == "confirmed" and digest == applied == box.running
    return bool(claimed and box.count("confirmed") == 1 and box.count("begun") <= attempts)


def answered_well(clients: Clients) -> None:
    """Every answer was one, or a 503 with a reason; and what it said of a write was so."""
    statuses = {status for _, status in clients.answers}
    assert clients.bad == [] and statuses <= {200, 201, 302, 503}, clients.answers
    assert clients.reasons["database_away"] and clients.reasons["disk_full"], clients.reasons
    assert any(line.startswith("database: The database does not") for line in clients.unready)
    assert any(line.startswith("disk: only") for line in clients.unready), clients.unready
    for project, status in clients.made.items():
        there = clients.ask("GET", f"/api/v1/projects/{project}/").status
        assert there == 200 or status == 503, (project, status, there)
