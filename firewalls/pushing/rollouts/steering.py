"""Steering a rollout: what people do with one that was started."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import F, Q

from firewalls.models import Firewall, Push, Rollout
from firewalls.pushing.rollouts.advancing import advance, detach_pushes, end, withdraw
from firewalls.pushing.rollouts.passing import take_up_again
from firewalls.pushing.rollouts.starting import start
from networks.common.audit import operation
from networks.common.locking import lock_keys
from networks.common.validation import InUse
from networks.common.violations import Violation

State = Rollout.State


def pause(rollout: Rollout, by: str) -> None:
    """What runs goes to its end; nothing more begins. Raises ValidationError."""
    with _locked(rollout, "paused", State.RUNNING) as row:
        withdraw(row, "The rollout was paused before it began.")
        row.state = State.PAUSED
        row.reason = f"Paused by {by}."
        row.save(update_fields=["state", "reason"])


def resume(rollout: Rollout, by: str) -> None:
    """Go on where it was paused. Raises ValidationError."""
    with _locked(rollout, "resumed", State.PAUSED) as row:
        _go_on(row)


def stop(rollout: Rollout, by: str) -> None:
    """What runs goes to its end; the rest is left as it is. Raises ValidationError."""
    with _locked(rollout, "stopped", State.RUNNING, State.PAUSED) as row:
        end(row, State.STOPPED, f"Stopped by {by}.")


def retry(rollout: Rollout, by: str) -> None:
    """Try those again that failed, and go on with what waits. Raises ValidationError."""
    with _locked(rollout, "retried", *State) as row:
        lock_keys(Firewall, row.members.values_list("firewall", flat=True))
        failed = Q(push__state__in=Push.BROKEN)
        if not row.members.filter(failed | Q(push=None)).exists():
            message = "None of it failed, and none waits: there is nothing to try again."
            raise _refused(message, "nothing_to_retry")
        detach_pushes(row.members.filter(failed))
        take_up_again(row.members.all())
        _go_on(row)


def roll_back(rollout: Rollout, by: str) -> Rollout:
    """Stop it, and push to the firewalls that it changed what they had before.

    Raises ValidationError.
    """
    with operation(f"roll back: {rollout.cause}"), transaction.atomic():
        row = Rollout.objects.get(pk__in=lock_keys(Rollout, [rollout.pk]))
        lock_keys(Firewall, row.members.values_list("firewall", flat=True))
        if row.is_open:
            stop(rollout, by)
        confirmed = rollout.members.filter(push__state=Push.State.CONFIRMED).exclude(before=None)
        changed = confirmed.exclude(before=F("firewall__observation__applied")).order_by("position")
        members = list(changed.select_related("firewall__machine", "before"))
        if not members:
            message = "It has changed no firewall that had another configuration before."
            raise _refused(message, "nothing_to_roll_back")
        return start(
            [member.firewall for member in members],
            cause=f"roll back: {rollout.cause}",
            by=by,
            sizes=rollout.waves,
            max_failures=rollout.max_failures,
            revisions={member.firewall_id: member.before for member in members if member.before},
        )


@contextmanager
def _locked(rollout: Rollout, done: str, *states: str) -> Iterator[Rollout]:
    """The row, locked, if it is in one of these states. Raises ValidationError.

    The rollout that is passed in is brought up to date at the end.
    """
    with operation(f"rollout {done}: {rollout.cause}"), transaction.atomic():
        row = Rollout.objects.get(pk__in=lock_keys(Rollout, [rollout.pk]))
        if row.state not in states:
            message = f"A rollout that is {row.get_state_display()} cannot be {done}."
            raise _refused(message, "wrong_state")
        yield row
    rollout.refresh_from_db(fields=["state", "reason", "finished_at"])


def _refused(message: str, code: str) -> InUse:
    return InUse([Violation("state", code, message)])


def _go_on(rollout: Rollout) -> None:
    rollout.state = State.RUNNING
    rollout.reason = ""
    rollout.finished_at = None
    rollout.save(update_fields=["state", "reason", "finished_at"])
    advance(rollout.pk)
