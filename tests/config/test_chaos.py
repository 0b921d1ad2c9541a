"""A rollout of up to two hundred, a hostile firewall among them, and all that fails meanwhile.

Nothing is mocked but the boxes, which keep a log of what they did: every process is killed in its
turn, PostgreSQL is stopped and started ten seconds later, Valkey is emptied, and the disk is full.
What the product says is laid beside the logs, and what its web server answers meanwhile is counted.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from tests.config.clients_meanwhile import Clients, Patient, answered_well
from tests.config.fleet_of_boxes import Fleet, fleet
from tests.firewalls.hostile_box import HostileBox, endless, hostile_box
from tests.stack import PASSWORD, Stack, running

# Two hundred take a minute where nobody else works; where others do, fewer show the same.
MANY = 200 if os.getloadavg()[0] < (os.cpu_count() or 1) else 80
SECONDS = 0.5  # that a push takes on the fastest box
AWAY, FULL = 10, 3  # seconds
DISK = 600  # megabytes
PATIENCE = 600
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
    Attachment.objects.bulk_create(
        Attachment(firewall=one, network=fra.fabric) for one in firewalls
    )
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
rows = Push.objects.select_related(
    "revision", "firewall__machine", "firewall__observation__applied"
)
print(json.dumps({
    "state": rollout.state,
    "counts": [rollout.total, rollout.confirmed, rollout.failed, rollout.waiting],
    "errors": [push.error for push in rows if push.state in ("refused", "unseen")],
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


def master(stack: Stack) -> int:
    """The process of the web server that begins and watches the others."""
    (pid,) = set(stack.pids("gunicorn")) & {
        child.pid for child in psutil.Process(stack.process.pid).children()
    }
    return pid


def kill_the_web_server(stack: Stack, *, whole: bool) -> None:
    first = master(stack)
    kill([first] if whole else [pid for pid in stack.pids("gunicorn") if pid != first][:1])


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
    """What happens once so many of two hundred were confirmed."""
    happening = [
        (1, lambda: empty_valkey(stack)),
        (10, lambda: kill(stack.pids("celery", "--pool"))),
        (10, lambda: postgres_is_away(stack)),
        (30, lambda: kill_the_web_server(stack, whole=False)),
        (40, lambda: kill(stack.pids("celery", "beat"))),
        (60, lambda: fill_the_disk(stack)),
        (90, lambda: kill(stack.pids("celery", "--pool"))),
        (110, lambda: kill_the_web_server(stack, whole=True)),
        (130, lambda: kill(stack.valkey())),
        (150, lambda: kill(stack.postgres())),
    ]
    return [(max(1, MANY * count // 200), happens) for count, happens in happening]


def watched(door: Patient, place: str, boxes: Fleet, pending: list[Any]) -> str:
    """Watch until it ends; what it says is laid beside what the boxes have done."""
    deadline, before = time.monotonic() + PATIENCE, 0
    while time.monotonic() < deadline:
        status, shown = door.ask("GET", place)
        if status == http.HTTPStatus.OK:
            confirmed = shown["progress"]["confirmed"]
            assert before <= confirmed <= boxes.confirmed(), "claimed what no box has done"
            before = confirmed
            while pending and confirmed >= pending[0][0]:
                pending.pop(0)[1]()
            if shown["state"] in ("stopped", "finished"):
                return str(shown["state"])
        time.sleep(0.1)
    raise AssertionError(f"{before} were confirmed in {PATIENCE} s")


def test_nothing_is_lost_doubled_or_falsely_claimed(stack: Stack, boxes: Fleet) -> None:
    token = stack.manage("create_token", "robot", "--role", "admin")
    door = Patient(stack.port, token, "admin", PASSWORD)
    clients = Clients(Patient(stack.port, token, "admin", PASSWORD))
    asked = {"filter": {"partition": "fra"}, "waves": [1, "10%", "rest"], "max_failures": 1}
    status, started = door.ask("POST", "rollouts/", asked)
    assert status == http.HTTPStatus.ACCEPTED, started
    thread, pending = threading.Thread(target=clients.run), mishaps(stack)
    thread.start()
    try:
        state = watched(door, f"rollouts/{started['id']}/", boxes, pending)
    finally:
        clients.ended.set()
        thread.join()
    truth = json.loads(shell(stack, TRUTH))
    assert (state, pending) == ("finished", []), (truth["errors"], stack.output[-20:])
    assert truth["counts"] == [MANY + 1, MANY, 1, 0]
    lies = [row for row in truth["pushes"] if not is_true(row, boxes)]
    assert lies == [] and len(truth["pushes"]) == MANY + 1, "a push was lost, or doubled"
    assert any(attempts > 1 for _, _, attempts, *_ in truth["pushes"]), "no worker died in time"
    answered_well(clients)


def is_true(row: list[Any], boxes: Fleet) -> bool:
    """Whether what the product says of a push is what the box has done."""
    name, state, attempts, digest, applied = row
    if name == EVIL:
        return state in ("refused", "unseen") and not applied
    box = boxes.boxes[name]
    claimed = state == "confirmed" and digest == applied == box.running
    return bool(claimed and box.count("confirmed") == 1 and box.count("begun") <= attempts)
