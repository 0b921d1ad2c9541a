"""Settling: a push ends with a verdict, once; what that says of its firewall is written with it."""

from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from firewalls.device.transport import Outcome, TransportError
from firewalls.models import Drift, Firewall, Member, Push
from firewalls.pushing import carrying, recording, rollouts, takeover
from firewalls.pushing.drift import GONE_BACK
from networks.common.locking import lock_keys

Steps = list[dict[str, Any]]
State = Push.State


def settle(push: Push, result: Outcome | TransportError, steps: Steps) -> None:
    """Write down how the push ended, on its row and of its firewall, and advance its rollouts."""
    if isinstance(result, TransportError):  # The firewall has not begun.
        result = Outcome(State.REFUSED, str(result), result)
    _settle(push, result, steps)
    _advance_rollouts(push)


@transaction.atomic
def _settle(push: Push, result: Outcome, steps: Steps) -> None:
    lock_keys(Firewall, [push.firewall_id])
    if not finish(push, result, steps):
        return
    if result.state == State.CONFIRMED:
        _record_confirmed(push, steps)
        return
    if result.problem is None:
        recording.record_answer(push.firewall)
    elif not result.problem.local:
        recording.record_error(push.firewall, result.problem)
    if result.state == State.UNSEEN:
        answering = recording.observed(push.firewall).filter(unreachable_since=None)
        answering.update(check_due_at=Now() + GONE_BACK)


def _record_confirmed(push: Push, steps: Steps) -> None:
    recording.record_look(push.firewall)
    if _told_of_others(steps):  # Whether that is drift, the next look says.
        recording.observed(push.firewall).update(check_due_at=Now())
    if push.revision and push.revision.number == takeover.HAD:
        takeover.record_given_back(push)
    else:
        row = recording.observed(push.firewall)
        row.update(applied=push.revision, drifted_at=None, drift="")
    Drift.objects.filter(firewall=push.firewall_id).delete()
    carrying.confirm(push.firewall_id, carrying.ours(push.revision))


def _told_of_others(steps: Steps) -> bool:
    """Whether the firewall said that something not ours, though not new, is in the way."""
    verified = [step for step in steps if step["name"] == "verify" and step["state"] == "ok"]
    return any(step["output"] for step in verified)


def refuse(push: Push, reason: str, steps: Steps | None = None) -> None:
    """End a push whose firewall was not asked, so that nothing is recorded of that."""
    finish(push, Outcome(State.REFUSED, reason), steps)
    _advance_rollouts(push)


def give_up(push: Push, reason: str) -> None:
    """End a push of which nothing more can be known here, with the steps that are known."""
    with transaction.atomic():
        if finish(push, Outcome(State.UNSEEN, reason)):
            recording.observed(push.firewall).update(check_due_at=Now() + GONE_BACK)
    _advance_rollouts(push)


def finish(push: Push, outcome: Outcome, steps: Steps | None = None) -> bool:
    """Give the push its verdict; False where it has one, or where another worker has claimed it."""
    still_ours = Push.objects.filter(pk=push.pk, state=State.RUNNING, attempts=push.attempts)
    verdict: dict[str, Any] = {
        "state": outcome.state,
        "error": outcome.error,
        "unanswered": outcome.unreachable,
        "finished_at": Now(),
    }
    if steps is not None:
        verdict["steps"] = steps
    return bool(still_ours.update(**verdict))


def _advance_rollouts(push: Push) -> None:
    """Each in a transaction of its own: rollouts are locked before firewalls and pushes.

    Should this worker die before, reconcile advances them.
    """
    concerned = Member.objects.filter(Q(push=push) | Q(push__superseded_by=push))
    for rollout in sorted(set(concerned.values_list("rollout", flat=True))):
        rollouts.advance(rollout)
