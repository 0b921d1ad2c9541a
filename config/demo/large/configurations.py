"""The large demo's configurations: rendered as always, each firewall in a state, and its practice folder as that state says."""

import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from config.demo import world as default
from config.demo.large.copying import copy, numbered, slices
from config.demo.large.places import MARK
from firewalls.configuration.plan import Facts, plan
from firewalls.configuration.render import digest, render
from firewalls.device import practice
from firewalls.intent.facts import facts
from firewalls.models import Firewall, Push, Revision

BY, AT_ONCE = "admin", 200
BY_HAND = "\n# 03:12, by hand, until the incident is over\ninsert rule inet metal forward counter accept\n"
IN_THE_WAY = "left behind by an upgrade that broke off\n"
State = Firewall.State
# One of so many is in this state; the rest is in sync.
RARE = {
    State.PENDING: 41,
    State.NEW: 67,
    State.UNREACHABLE: 191,
    State.FAILED: 173,
    State.DRIFTED: 241,
}
DRIFT = "/etc/nftables.conf"


def state_of(number: int) -> str:
    """The state of the firewall with this number."""
    return next(
        (state for state, every in RARE.items() if number % every == every - 1), State.IN_SYNC
    )


def configure(firewalls: Sequence[Firewall], now: datetime) -> None:
    """Write down what is wanted of them, and what was pushed."""
    for batch in slices(list(enumerate(firewalls)), AT_ONCE):
        found = facts([firewall.pk for _, firewall in batch])
        revisions: list[Revision] = []
        pushes: list[Push] = []
        for number, firewall in batch:
            made = _revisions(firewall, found[firewall.pk], state_of(number), now)
            revisions += numbered(made)
            firewall.wanted = made[-1]
            pushes += list(_pushed(firewall, number, made[0], now))
        copy(revisions)
        copy(pushes)
        changed = [
            "wanted",
            "applied",
            "drifted_at",
            "drift",
            "unreachable_since",
            "checked_at",
            "port",
        ]
        Firewall.objects.bulk_update([firewall for _, firewall in batch], changed)


def _revisions(firewall: Firewall, found: Facts, state: str, now: datetime) -> list[Revision]:
    """The first configuration, and of one that waits for a push also the one before it joined its last network."""
    name, made = firewall.machine.name, firewall.machine.created_at
    wanted = render(plan(found))
    if state != State.PENDING or not found.shared:
        return [_revision(firewall, 1, wanted, f"{name} was allocated", made)]
    before = render(plan(replace(found, shared=found.shared[:-1])))
    joined = f"{name} joined {found.shared[-1].id}"
    return [
        _revision(firewall, 1, before, f"{name} was allocated", made),
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
    state, at = state_of(number), firewall.machine.created_at + timedelta(minutes=3)
    if state == State.NEW:
        return
    if state == State.FAILED:
        yield _push(
            firewall, first, at, "The firewall refused its new configuration; nothing was changed."
        )
        return
    firewall.applied, firewall.checked_at = first, now - timedelta(minutes=number % 60)
    if state == State.DRIFTED:
        firewall.drifted_at, firewall.drift = firewall.checked_at, DRIFT
    if state == State.UNREACHABLE:
        firewall.unreachable_since, firewall.port = firewall.checked_at, default.SILENT
    yield _push(firewall, first, at)


def _push(firewall: Firewall, revision: Revision, at: datetime, error: str = "") -> Push:
    told = f"revision {revision.number}, {revision.digest[:12]}: {revision.cause}"
    steps: list[dict[str, Any]] = [
        {"name": "render", "state": "ok", "seconds": 0.01, "output": told},
        {
            "name": "connect",
            "state": "ok",
            "seconds": 0.2,
            "output": f"{firewall.user}@{firewall.host}, host key as pinned",
        },
        {"name": "write", "state": "failed" if error else "ok", "seconds": 0.1, "output": error},
    ]
    if not error:
        steps.append(
            {
                "name": "confirm",
                "state": "ok",
                "seconds": 0.2,
                "output": "reached over a new connection",
            }
        )
    return Push(
        id=uuid.uuid5(firewall.pk, "first push"),
        firewall=firewall,
        revision=revision,
        steps=steps,
        error=error,
        attempts=1,
        state=Push.State.FAILED if error else Push.State.CONFIRMED,
        requested_by=BY,
        created_at=at,
        started_at=at,
        finished_at=at + timedelta(seconds=2),
    )


def house() -> int:
    """Make the practice folders that are missing, each with what was applied to it. Returns how many."""
    missing = [firewall for firewall in _mine() if not (settings.PRACTICE / firewall.name).exists()]
    for batch in slices(missing, AT_ONCE):
        files = dict(
            Revision.objects.filter(pk__in=[one.applied_id for one in batch]).values_list(
                "pk", "files"
            )
        )
        for firewall in batch:
            _folder(firewall, files.get(firewall.applied_id or 0, {}))
    return len(missing)


def _mine() -> list[Firewall]:
    rows = Firewall.objects.filter(practice=True, machine__partition__description=MARK).with_state()
    return list(rows.select_related("machine"))


def _folder(firewall: Firewall, files: dict[str, str]) -> None:
    """Written under another name first, so that an interruption leaves no half of one."""
    final, half = settings.PRACTICE / firewall.name, f".half-{firewall.name}"
    shutil.rmtree(settings.PRACTICE / half, ignore_errors=True)
    root = practice.ensure_root(settings.PRACTICE, half)
    for path, text in files.items():
        file = root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + (BY_HAND if path in firewall.drift.split() else ""))
    if firewall.state == State.FAILED:
        (root / "etc" / "frr").rmdir()
        (root / "etc" / "frr").write_text(IN_THE_WAY)
    root.rename(final)
