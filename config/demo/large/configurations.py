"""The large demo's configurations, rendered as always, and the pushes behind each state."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from config.demo.large.copying import copy, slices, with_ids
from config.demo.world import SILENT
from firewalls.configuration.kept import as_json
from firewalls.configuration.plan import Facts, Plan, plan
from firewalls.configuration.render import digest, render
from firewalls.intent.facts import facts
from firewalls.models import Firewall, Observation, Push, Revision
from firewalls.pushing.carrying import carried

BY = "admin"
AT_ONCE = 200  # firewalls that are configured together
DRIFT = "/etc/nftables.conf"
REFUSED = "The firewall refused its new configuration; nothing was changed."
State = Firewall.State
# One of so many is in this state; the rest is in sync.
RARE = {
    State.PENDING: 41,
    State.NEW: 67,
    State.UNREACHABLE: 191,
    State.FAILED: 173,
    State.DRIFTED: 241,
}
_SEEN = ["applied", "drifted_at", "drift", "unreachable_since", "checked_at"]


def state_of(number: int) -> str:
    """The state of the firewall with this number."""
    for state, every in RARE.items():
        if number % every == every - 1:
            return state
    return State.IN_SYNC


def configure(firewalls: Sequence[Firewall], now: datetime) -> None:
    """Store the configurations that are wanted of them, their pushes and their states."""
    for batch in slices(list(enumerate(firewalls)), AT_ONCE):
        _configure_batch(batch, now)


def _configure_batch(batch: Sequence[tuple[int, Firewall]], now: datetime) -> None:
    firewalls = [firewall for _, firewall in batch]
    facts_by_firewall = facts([firewall.pk for firewall in firewalls])
    revisions: list[Revision] = []
    pushes: list[Push] = []
    seen: list[Observation] = []
    for number, firewall in batch:
        state = state_of(number)
        own = with_ids(_revisions(firewall, facts_by_firewall[firewall.pk], state, now))
        revisions += own
        firewall.wanted = own[-1]
        if state != State.NEW:
            pushes.append(_first_push(firewall, own[0], state))
        if state not in (State.NEW, State.FAILED):
            seen.append(_seen(firewall, own[0], state, now - timedelta(minutes=number % 60)))
    copy(revisions)
    copy(pushes)
    copy(carried((one.firewall, one.applied.files) for one in seen if one.applied))
    Firewall.objects.bulk_update(firewalls, ["wanted", "port"])
    Observation.objects.bulk_update(seen, _SEEN)


def _revisions(firewall: Firewall, current: Facts, state: str, now: datetime) -> list[Revision]:
    """Its first configuration; if it waits for a push, a second since it joined a network."""
    name = firewall.machine.name
    made_at = firewall.machine.created_at
    allocated = f"{name} was allocated"
    wanted = plan(current)
    if state != State.PENDING or not current.shared:
        return [_revision(firewall, 1, wanted, allocated, made_at)]
    before = plan(replace(current, shared=current.shared[:-1]))
    joined = f"{name} joined {current.shared[-1].id}"
    return [
        _revision(firewall, 1, before, allocated, made_at),
        _revision(firewall, 2, wanted, joined, now - timedelta(hours=2)),
    ]


def _revision(firewall: Firewall, number: int, planned: Plan, cause: str, at: datetime) -> Revision:
    files = render(planned)
    return Revision(
        firewall=firewall,
        number=number,
        digest=digest(files),
        files=files,
        plan=as_json(planned),
        cause=cause,
        created_by=BY,
        created_at=at,
    )


def _seen(firewall: Firewall, revision: Revision, state: str, checked_at: datetime) -> Observation:
    """What the firewall runs, and what its last check noticed."""
    seen = Observation(firewall=firewall, applied=revision, checked_at=checked_at, drift="")
    if state == State.DRIFTED:
        seen.drifted_at = checked_at
        seen.drift = DRIFT
    if state == State.UNREACHABLE:
        seen.unreachable_since = checked_at
        firewall.port = SILENT
    return seen


def _first_push(firewall: Firewall, revision: Revision, state: str) -> Push:
    """The push of its first revision, three minutes after it was allocated."""
    at = firewall.machine.created_at + timedelta(minutes=3)
    error = REFUSED if state == State.FAILED else ""
    return Push(
        id=uuid.uuid5(firewall.pk, "first push"),
        firewall=firewall,
        revision=revision,
        steps=_steps(firewall, revision, error),
        error=error,
        attempts=1,
        state=Push.State.REFUSED if error else Push.State.CONFIRMED,
        requested_by=BY,
        created_at=at,
        started_at=at,
        finished_at=at + timedelta(seconds=2),
    )


def _steps(firewall: Firewall, revision: Revision, error: str) -> list[dict[str, Any]]:
    """The steps of a push; without an error also the one that confirms it."""
    rendered = f"revision {revision.number}, {revision.digest[:12]}: {revision.cause}"
    connected = f"{firewall.user}@{firewall.host}, host key as pinned"
    steps = [_step("render", 0.01, rendered), _step("connect", 0.2, connected)]
    if error:
        return [*steps, _step("write", 0.1, error, state="failed")]
    confirmed = _step("confirm", 0.2, "reached over a new connection")
    return [*steps, _step("write", 0.1, ""), confirmed]


def _step(name: str, seconds: float, output: str, *, state: str = "ok") -> dict[str, Any]:
    return {"name": name, "state": state, "seconds": seconds, "output": output}
