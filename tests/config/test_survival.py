"""Five hundred firewalls, the product as `make run` starts it, and all that dies while it pushes.

Nothing is mocked: the worker, Valkey and PostgreSQL are killed, the broker is emptied, and what is
true is read from the boxes' disks.
"""

import json
import os
import re
import shutil
import signal
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.firewalls.running import PATIENT
from tests.stack import PASSWORD, Stack, running

MANY, SOME, BAD = 500, 200, 20
PATIENCE = 900  # seconds; a push takes the machine a quarter of a core's second
SENTENCE = re.compile(r"(\d+) of (\d+) done: (\d+) confirmed, (\d+) failed")
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
BAR = re.compile(
    r'viewBox="0 0 (\d+) 1".*<rect class="ok" width="(\d+)" height="1"/>'
    r'<rect class="bad" x="(\d+)" width="(\d+)"'
)
WAVE = re.compile(
    ".*?".join(
        f'"{name}" class="num">(\\d+)<'
        for name in ("Firewalls", "Confirmed", "Failed", "Running", "Waiting")
    )
)
# Written by the row, for speed: each is as create_firewall leaves it.
BUILD = f"""
from django.conf import settings
from django.db import transaction
from firewalls.device import practice
from firewalls.intent import revisions
from firewalls.models import Attachment, Firewall
from machines.models import Machine
from networks.models import Address
from tests.world import world
fra, folder = world(), settings.PRACTICE
private = fra.private("shop", fra.shop)
where = dict(host=practice.HOST, practice=True)
where |= dict(port=int((folder / "port").read_text()), host_key=practice.host_key(folder))
names = [f"fw-{{number:03}}" for number in range({MANY})] + ["minute"]
prefixes = [net.prefixes.get() for net in (private, fra.fabric)]
with transaction.atomic():
    common = dict(partition=fra.partition, project=fra.shop, primary=private)
    machines = Machine.objects.bulk_create(
        Machine(name=name, asn=4210000100 + n, **common) for n, name in enumerate(names)
    )
    firewalls = Firewall.objects.bulk_create(
        Firewall(machine=one, user=practice.user(one.name), **where) for one in machines
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
    revisions.refresh([one.pk for one in machines], cause="they were made")
for name in names:
    practice.ensure_root(folder, name)
"""
WANTED = """
import json
from firewalls.models import Firewall
from firewalls.intent.revisions import stream_rendered
names = dict(Firewall.objects.values_list("pk", "machine__name"))
print(json.dumps({names[pk]: files for pk, files in stream_rendered(names)}))
"""
PROGRESS = """
import json
from django.db.models import Count
from firewalls.models import Firewall, Push, Rollout
rollout = Rollout.objects.with_progress().order_by("-created_at")[0]
members = rollout.members.select_related("push__revision", "firewall__machine", "before")
boxes = {
    m.firewall.name: [m.push.state, m.push.revision.files, m.before.files if m.before else {}]
    for m in members
}
print(json.dumps({
    "state": rollout.state,
    "reason": rollout.reason,
    "confirmed": rollout.confirmed,
    "failed": rollout.failed,
    "waiting": rollout.waiting,
    "open": Push.objects.open().count(),
    "rows": rollout.pushes.exclude(state="superseded").count(),
    "attempts": max(rollout.pushes.values_list("attempts", flat=True)),
    "boxes": boxes,
}))
"""


def shell(stack: Stack, code: str) -> str:
    return stack.manage("shell", "-v", "0", "-c", code)


class Page:
    """Somebody logged in, who follows links and fills forms."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.cookies = stack, CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self.post("/login/", username="admin", password=PASSWORD)

    def get(self, path: str, **headers: str) -> str:
        request = urllib.request.Request(
            self.stack.url + path,
            headers={name.replace("_", "-"): text for name, text in headers.items()},
        )
        with self.opener.open(request, timeout=60) as answer:
            return str(answer.read().decode())

    def post(self, path: str, **fields: str) -> str:
        """Post the form of this page; gives the address where it led."""
        carried = dict(HIDDEN.findall(self.get(path)))
        assert "csrfmiddlewaretoken" in carried, path
        data = urllib.parse.urlencode({**carried, **fields}).encode()
        with self.opener.open(
            urllib.request.Request(self.stack.url + path, data, {"Referer": self.stack.url}),
            timeout=120,
        ) as answer:
            return str(answer.url).removeprefix(self.stack.url)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    folder = Path(tempfile.mkdtemp(prefix="sn-many-"))
    try:
        with running(
            folder, DEMO="none", APPLIER_TIMEOUT=PATIENT
        ) as started:  # or boxes go back that nobody had time to confirm
            shell(started, BUILD)
            yield started
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def boxes_with(stack: Stack, verdict: str) -> int:
    """How many boxes say so themselves."""
    verdicts = (
        path.read_text().split(maxsplit=1)[1].strip()
        for path in stack.var.glob("practice/fw-*/var/lib/shared-networks/last")
    )
    return sum(one == verdict for one in verdicts)


def on_disk(stack: Stack, name: str, paths: list[str]) -> dict[str, str]:
    texts = {}
    for path in paths:
        with suppress(OSError):
            texts[path] = (stack.var / "practice" / name / path.lstrip("/")).read_text()
    return texts


class Boxes:
    """The boxes whose names begin like this: what is wanted on their disks, and which have it."""

    def __init__(self, stack: Stack, names: str) -> None:
        self.stack, self.having = stack, set[str]()
        wanted: dict[str, dict[str, str]] = json.loads(shell(stack, WANTED))
        self.wanted = {name: files for name, files in wanted.items() if name.startswith(names)}

    def have(self) -> int:
        self.having |= {name for name in self.wanted.keys() - self.having if self._has(name)}
        return len(self.having)

    def _has(self, name: str) -> bool:
        return all(
            on_disk(self.stack, name, [path]) == {path: text}
            for path, text in self.wanted[name].items()
        )


def kill(pids: list[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def empty_the_broker(stack: Stack) -> None:
    redis.Redis(unix_socket_path=str(stack.var / "valkey" / "valkey.sock")).flushall()


def mishaps(stack: Stack) -> list[tuple[int, Callable[[], None]]]:
    """What happens once so many are confirmed."""
    return [
        (40, lambda: kill(stack.pids("celery", "--pool"))),
        (110, lambda: empty_the_broker(stack)),
        (180, lambda: kill(stack.valkey())),
        (260, lambda: kill(stack.postgres())),
        (340, lambda: kill(stack.pids("celery", "beat"))),
        (400, lambda: kill(stack.pids("celery", "--pool"))),
    ]


def numbers(part: str) -> tuple[int, int, int]:
    """How many there are, are confirmed and have failed, as sentence, bar and waves agree."""
    sentence, bar = SENTENCE.search(part), BAR.search(part)
    assert sentence and bar, part
    done, total, confirmed, failed = map(int, sentence.groups())
    assert [int(number) for number in bar.groups()] == [total, confirmed, confirmed, failed], part
    waves = [[int(number) for number in wave.groups()] for wave in WAVE.finditer(part)]
    firewalls, *counts = map(sum, zip(*waves, strict=True))
    assert (
        firewalls == total == sum(counts)
        and counts[:2] == [confirmed, failed]
        and done == confirmed + failed
    ), part
    return total, confirmed, failed


def watched(
    stack: Stack,
    page: Page,
    place: str,
    boxes: Boxes,
    mishaps: list[tuple[int, Callable[[], None]]],
) -> str:
    """Watch the rollout's page as a browser does, until it stops polling; returns the last part.

    Whatever it says is compared with the boxes.
    """
    deadline, before = time.monotonic() + PATIENCE, (0, 0)
    while time.monotonic() < deadline:
        try:
            part = page.get(place, HX_Request="true", HX_Target="rollout-status")
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)  # the database is away
            continue
        total, confirmed, failed = numbers(part)
        assert confirmed >= before[0] and failed >= before[1], f"it went back: {before}, {part}"
        assert confirmed <= min(boxes_with(stack, "confirmed"), boxes.have()), part
        before = (confirmed, failed)
        if mishaps and confirmed >= mishaps[0][0]:
            mishaps.pop(0)[1]()
        if "hx-trigger" not in part:
            assert confirmed + failed == total, errors(stack) + part
            return part
        time.sleep(0.5)
    raise AssertionError(f"{before} were done in {PATIENCE} seconds; {stack.output[-20:]}")


def errors(stack: Stack) -> str:
    """Why pushes failed, for whoever reads that one did."""
    failed = "Push.objects.exclude(error='').values_list('error', flat=True)"
    return shell(stack, f"from firewalls.models import *; print(*{failed}, sep='\\n')")


def progress(stack: Stack) -> dict[str, Any]:
    """The latest rollout, as the database has it."""
    answer: dict[str, Any] = json.loads(shell(stack, PROGRESS))
    return answer


def test_five_hundred_end_confirmed_whatever_dies_meanwhile(stack: Stack) -> None:
    page = Page(stack)
    (stack.var / "practice" / ".slow-minute").write_text(
        "4.5"
    )  # it takes more than a minute in all
    boxes, one = Boxes(stack, "fw-"), Boxes(stack, "minute")
    minute = page.post(
        "/rollouts/new/?all=1&q=minute", cause="a slow one", sizes="rest", max_failures="0"
    )
    place = page.post(
        "/rollouts/new/?all=1&q=fw-", cause="all of them", sizes="1, 10%, rest", max_failures="0"
    )
    waiting = mishaps(stack)
    last = watched(stack, page, place, boxes, waiting)
    assert numbers(last) == (MANY, MANY, 0) and waiting == [], errors(stack)
    rollout = progress(stack)
    assert (rollout["state"], rollout["confirmed"], rollout["failed"], rollout["waiting"]) == (
        "finished",
        MANY,
        0,
        0,
    )
    assert rollout["rows"] == MANY, "a push was lost, or doubled"
    assert {
        name
        for name, (_, files, _) in rollout["boxes"].items()
        if on_disk(stack, name, list(files)) != files
    } == set()
    last = watched(stack, page, minute, one, [])
    assert numbers(last) == (1, 1, 0), last


def test_of_two_hundred_twenty_fail_and_every_row_tells_the_truth(stack: Stack) -> None:
    broken = [f"fw-{number:03}" for number in range(0, SOME, SOME // BAD)]
    for name in broken:  # their disks are read-only where FRR's file belongs, as after an error
        folder = stack.var / "practice" / name / "etc" / "frr"
        folder.rename(folder.with_name("frr.away"))
        folder.symlink_to("/proc/1/fdinfo")
    change = "p.management_prefixes = ['198.51.100.0/24']"
    code = f"from networks.models import *; p = Partition.objects.get(); {change}; p.save()"
    shell(stack, code)
    page, token = Page(stack), stack.manage("create_token", "robot", "--role", "operator")
    chosen = f"Firewall.objects.order_by('machine__name').values_list('pk', flat=True)[:{SOME}]"
    ids = shell(stack, f"from firewalls.models import *; print(*{chosen})").split()
    body = {"firewalls": ids, "waves": ["rest"], "max_failures": BAD, "cause": "some fail"}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(
        f"{stack.url}/api/v1/rollouts/", json.dumps(body).encode(), headers
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        place = f"/rollouts/{json.load(answer)['id']}/"
    last = watched(stack, page, place, Boxes(stack, "fw-"), [])
    assert numbers(last) == (SOME, SOME - BAD, BAD), errors(stack)
    rollout = progress(stack)
    states = {name: state for name, (state, _, _) in rollout["boxes"].items()}
    assert {name for name, state in states.items() if state != "confirmed"} == set(
        broken
    ) and rollout["open"] == 0
    for name, (state, wanted, before) in rollout["boxes"].items():
        if state == "confirmed":
            assert on_disk(stack, name, list(wanted)) == wanted != before, name
        else:
            paths = [path for path in before if "/frr/" not in path]
            assert on_disk(stack, name, paths) == {path: before[path] for path in paths}, name
