"""The large demo's configurations, and each firewall in a state, with a folder that agrees."""

import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from config.demo.large.copying import copy, numbered, slices
from config.demo.large.places import MARK
from config.demo.mishaps import CHANGED_BY_HAND, LEFT_BEHIND, SILENT_PORT
from firewalls.configuration.plan import Facts, plan
from firewalls.configuration.render import digest, render
from firewalls.device import practice
from firewalls.intent.facts import facts
from firewalls.models import Firewall, Push, Revision

BY, AT_ONCE = "admin", 200
State = Firewall.State
# One of so many is in this state; the rest is in sync.
RARE = {
    State.PENDING: 41,
    State.NEW: 67,
    State.UNREACHABLE: 191,
    State.FAILED: 173,
    State.DRIFTED: 241,
}
REFUSED = "The firewall refused its new configuration; nothing was changed."
DRIFT = "/etc/nftables.conf"
CHANGED = [
    "wanted",
    "applied",
    "drifted_at",
    "drift",
    "unreachable_since",
    "checked_at",
    "port",
]


def state_of(number: int) -> str:
    """The state of the firewall with this number."""
    for state, every in RARE.items():
        if number % every == every - 1:
            return state
    return State.IN_SYNC


def configure(firewalls: Sequence[Firewall], now: datetime) -> None:
    """Write down what is wanted of them, and what was pushed."""
    for batch in slices(list(enumerate(firewalls)), AT_ONCE):
        facts_of = facts([firewall.pk for _, firewall in batch])
        revisions: list[Revision] = []
        pushes: list[Push] = []
        for number, firewall in batch:
            own = _revisions(firewall, facts_of[firewall.pk], state_of(number), now)
            revisions += numbered(own)
            firewall.wanted = own[-1]
            pushes += list(_pushed(firewall, number, own[0], now))
        copy(revisions)
        copy(pushes)
        Firewall.objects.bulk_update([firewall for _, firewall in batch], CHANGED)


def _revisions(firewall: Firewall, known: Facts, state: str, now: datetime) -> list[Revision]:
    """One, or where a push is pending two: it joined a network after the first one."""
    allocated_at = firewall.machine.created_at
    allocated = f"{firewall.machine.name} was allocated"
    wanted = render(plan(known))
    if state != State.PENDING or not known.shared:
        return [_revision(firewall, 1, wanted, allocated, allocated_at)]
    before = render(plan(replace(known, shared=known.shared[:-1])))
    joined = f"{firewall.machine.name} joined {known.shared[-1].id}"
    return [
        _revision(firewall, 1, before, allocated, allocated_at),
        _revision(firewall, 2, wanted, joined, now - timedelta(hours=2)),
    ]


def _revision(
    firewall: Firewall, number: int, files: dict[str, str], cause: str, at: datetime
) -> Revision:
    return Revision(
        firewall=firewall,
        number=number,
        digest=digest(files),
        files=files,
        cause=cause,
        created_by=BY,
        created_at=at,
    )


def _pushed(firewall: Firewall, number: int, first: Revision, now: datetime) -> Iterator[Push]:
    """Bring the firewall into its state; the push that did so."""
    state = state_of(number)
    pushed_at = firewall.machine.created_at + timedelta(minutes=3)
    if state == State.NEW:
        return
    if state == State.FAILED:
        yield _push(firewall, first, pushed_at, REFUSED)
        return
    checked_at = now - timedelta(minutes=number % 60)
    firewall.applied = first
    firewall.checked_at = checked_at
    if state == State.DRIFTED:
        firewall.drifted_at = checked_at
        firewall.drift = DRIFT
    if state == State.UNREACHABLE:
        firewall.unreachable_since = checked_at
        firewall.port = SILENT_PORT
    yield _push(firewall, first, pushed_at)


def _push(firewall: Firewall, revision: Revision, at: datetime, error: str = "") -> Push:
    return Push(
        id=uuid.uuid5(firewall.pk, "first push"),
        firewall=firewall,
        revision=revision,
        steps=_steps(firewall, revision, error),
        error=error,
        attempts=1,
        state=Push.State.FAILED if error else Push.State.CONFIRMED,
        requested_by=BY,
        created_at=at,
        started_at=at,
        finished_at=at + timedelta(seconds=2),
    )


def _steps(firewall: Firewall, revision: Revision, error: str) -> list[dict[str, Any]]:
    rendered = f"revision {revision.number}, {revision.digest[:12]}: {revision.cause}"
    connected = f"{firewall.user}@{firewall.host}, host key as pinned"
    steps = [_step("render", 0.01, rendered), _step("connect", 0.2, connected)]
    if error:
        return [*steps, _step("write", 0.1, error, "failed")]
    return [*steps, _step("write", 0.1), _step("confirm", 0.2, "reached over a new connection")]


def _step(name: str, seconds: float, output: str = "", state: str = "ok") -> dict[str, Any]:
    return {"name": name, "state": state, "seconds": seconds, "output": output}


def make_missing_folders() -> int:
    """Make the practice folders that are missing, each with what was applied. Returns how many."""
    missing = [firewall for firewall in _mine() if not (settings.PRACTICE / firewall.name).exists()]
    for batch in slices(missing, AT_ONCE):
        applied = Revision.objects.filter(pk__in=[firewall.applied_id for firewall in batch])
        files = dict(applied.values_list("pk", "files"))
        for firewall in batch:
            _make_folder(firewall, files.get(firewall.applied_id or 0, {}))
    return len(missing)


def _mine() -> list[Firewall]:
    rows = Firewall.objects.filter(practice=True, machine__partition__description=MARK).with_state()
    return list(rows.select_related("machine"))


def _make_folder(firewall: Firewall, files: dict[str, str]) -> None:
    """Written under another name first, so that an interruption leaves no half of one."""
    final, half = settings.PRACTICE / firewall.name, f".half-{firewall.name}"
    shutil.rmtree(settings.PRACTICE / half, ignore_errors=True)
    root = practice.ensure_root(settings.PRACTICE, half)
    for path, text in files.items():
        file = root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        is_changed = path in firewall.drift.split()
        file.write_text(text + (CHANGED_BY_HAND if is_changed else ""))
    if firewall.state == State.FAILED:
        (root / "etc" / "frr").rmdir()
        (root / "etc" / "frr").write_text(LEFT_BEHIND)
    root.rename(final)
