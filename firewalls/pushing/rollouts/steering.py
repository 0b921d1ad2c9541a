"""Steering a rollout: what people do with one that was started."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from firewalls.models import Choice, Firewall, Member, Push, Rollout, Turn
from firewalls.models.start import Start
from firewalls.models.turns import UNFINISHED, is_at
from firewalls.pushing.asking import Wish
from firewalls.pushing.rollouts.advancing import advance, detach_pushes, end, too_many, withdraw
from firewalls.pushing.rollouts.passing import take_up_again
from firewalls.pushing.rollouts.queueing import queue
from firewalls.pushing.rollouts.starting import start
from networks.common.audit import operation
from networks.common.locking import lock_keys
from networks.common.validation import InUse
from networks.common.violations import Violation
from networks.models import Partition

State = Rollout.State


def pause(rollout: Rollout, by: str) -> None:
    """What runs goes to its end; nothing more begins. Raises ValidationError."""
    with _locked(rollout, "paused", State.RUNNING) as row:
        withdraw(row, "The rollout was paused before it began.")
        row.state = State.PAUSED
        row.reason = f"Paused by {by}."
        row.save(update_fields=["state", "reason"])


def resume(rollout: Rollout, by: str) -> None:
    """Go on with what waits, and what was passed over, where it does not run.

    Raises ValidationError.
    """
    with _locked(rollout, "resumed", State.PAUSED, State.STOPPED, State.FINISHED) as row:
        if reason := too_many(row):
            raise _refused(f"It does not go on: {reason}. Retry those first.", "failed")
        waits = UNFINISHED | is_at(Turn.PASSED_OVER)
        if not row.is_open and not row.members.filter(waits).exists():
            raise _refused("None of it waits: there is nothing to go on with.", "nothing_waits")
        _open(row, State.RUNNING, "")
        take_up_again(row.members.all())
        advance(row.pk)


def stop(rollout: Rollout, by: str) -> None:
    """What runs goes to its end; the rest is left as it is. Raises ValidationError."""
    with _locked(rollout, "stopped", State.RUNNING, State.PAUSED) as row:
        end(row, State.STOPPED, f"Stopped by {by}.")


def retry(rollout: Rollout, by: str) -> None:
    """Try exactly those again that failed: what waits goes on waiting until it is resumed.

    Raises ValidationError.
    """
    with _locked(rollout, "retried", *State) as row:
        lock_keys(Firewall, row.members.values_list("firewall", flat=True))
        failed = row.members.filter(is_at(Turn.FAILED)).exclude(firewall=None)
        again = list(failed.values_list("pk", flat=True))
        if not again:
            message = "None of it failed: there is nothing to try again."
            raise _refused(message, "nothing_to_retry")
        row.asked_at = Now()
        row.save(update_fields=["asked_at"])
        row.refresh_from_db(fields=["asked_at"])
        detach_pushes(row.members.filter(pk__in=again))
        first = again[: max(0, row.at_once - _under_way(row))] if row.at_once else again
        queue(row, row.members.filter(pk__in=first))
        if row.state != State.RUNNING:
            _open(row, *_while_retried(row, by))


def _under_way(rollout: Rollout) -> int:
    return rollout.members.filter(UNFINISHED, push__isnull=False).count()


def _while_retried(rollout: Rollout, by: str) -> tuple[str, str]:
    """Its state meanwhile, and why: it is paused where others wait."""
    waiting = rollout.members.filter(UNFINISHED, push=None).count()
    if not waiting:
        return State.RUNNING, ""
    return State.PAUSED, f"{by} tries again what failed; {waiting} wait until it is resumed."


def start_now(rollout: Rollout, by: str, reason: str) -> None:
    """Have what waits for a maintenance window start all the same, now and in later waves.

    Raises ValidationError.
    """
    wish = Wish(start=Start.NOW, reason=reason)
    wish.must_have_a_reason()
    with _locked(rollout, "started now", State.RUNNING, State.PAUSED, reason=reason) as row:
        for name, value in wish.of_rollout().items():
            setattr(row, name, value)
        row.save(update_fields=list(wish.of_rollout()))
        queued = row.pushes.filter(state=Push.State.QUEUED)
        lock_keys(Firewall, queued.values_list("firewall", flat=True))
        waiting = queued.filter(pk__in=lock_keys(Push, queued.values_list("pk", flat=True)))
        why = {"start": row.start, "reason": row.start_reason, "chosen_by": by}
        Choice.objects.filter(push__in=waiting).update(**why)
        others = waiting.filter(choice=None)
        Choice.objects.bulk_create(Choice(push=push, **why) for push in others)


def changed_by(rollout: Rollout) -> QuerySet[Member]:
    """Its firewalls that have another configuration than before: those that rolling back is for."""
    confirmed = rollout.members.filter(is_at(Turn.CONFIRMED), firewall__isnull=False)
    changed = confirmed.exclude(before=None).exclude(before=F("firewall__observation__applied"))
    rows = changed.select_related("firewall__machine", "before", "push__revision")
    return rows.defer("before__files", "push__revision__files", "push__steps").order_by("position")


def roll_back(rollout: Rollout, by: str) -> Rollout:
    """Stop it, and push to the firewalls that it changed what they had before.

    Raises ValidationError.
    """
    with operation(f"roll back: {rollout.cause}"), transaction.atomic():
        row = Rollout.objects.get(pk__in=lock_keys(Rollout, [rollout.pk]))
        lock_keys(Firewall, row.members.values_list("firewall", flat=True))
        if row.is_open:
            stop(rollout, by)
        members = [member for member in changed_by(rollout) if member.firewall]
        if not members:
            message = "It has changed no firewall that had another configuration before."
            raise _refused(message, "nothing_to_roll_back")
        return start(
            [member.firewall for member in members if member.firewall],
            cause=f"roll back: {' '.join(rollout.cause.split())}",
            by=by,
            sizes=rollout.waves,
            max_failures=rollout.max_failures,
            at_once=rollout.at_once,
            revisions={m.firewall_id: m.before for m in members if m.firewall_id and m.before},
        )


@contextmanager
def _locked(rollout: Rollout, done: str, *states: str, reason: str = "") -> Iterator[Rollout]:
    """The row, locked, if it is in one of these states. Raises ValidationError.

    The rollout that is passed in is brought up to date at the end.
    """
    with operation(f"rollout {done}: {rollout.cause}", reason), transaction.atomic():
        row = Rollout.objects.get(pk__in=lock_keys(Rollout, [rollout.pk]))
        if row.state not in states:
            message = f"A rollout that is {row.get_state_display()} cannot be {done}."
            raise _refused(message, "wrong_state")
        yield row
    rollout.refresh_from_db(fields=["state", "reason", "finished_at"])


def _refused(message: str, code: str) -> InUse:
    return InUse([Violation("state", code, message)])


def _open(rollout: Rollout, state: str, reason: str) -> None:
    """It is running, or paused, again. Raises ValidationError."""
    if rollout.partition is not None and not rollout.is_open:
        _begin_again(rollout, rollout.partition)
    rollout.state = state
    rollout.reason = reason
    rollout.finished_at = None
    rollout.save(update_fields=["state", "reason", "finished_at"])


def _begin_again(rollout: Rollout, partition: Partition) -> None:
    """What it left no longer waits for a person. Raises ValidationError."""
    lock_keys(Rollout, [rollout.pk])
    if not partition.auto_push:
        message = f"Nothing in {partition} is pushed by itself any more; roll out by hand."
        raise _refused(message, "no_auto_push")
    if partition.rollouts.filter(finished_at=None).exists():
        message = f"Another rollout of what is wanted in {partition} is open; end that one first."
        raise _refused(message, "another_is_open")
    rollout.members.update(left_at=None)
