"""Settling: a push ends with a verdict, once; what that says of its firewall is written with it."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from firewalls.device.transport import Outcome, TransportError
from firewalls.models import Drift, Firewall, Member, Push
from firewalls.pushing import carrying, rollouts, takeover
from firewalls.pushing.recording import record_contact
from networks.common.locking import lock_keys

Steps = list[dict[str, Any]]


def settle(push: Push, result: Outcome | TransportError, steps: Steps) -> None:
    """Write down how the push ended, on its row and on its firewall, and advance its rollouts."""
    if isinstance(result, TransportError):
        if result.local:
            refuse(push, str(result), steps)
            return
        result = Outcome("failed", str(result), result.unreachable, result.offered_key)
    _settle(push, result, steps)
    _advance_rollouts(push)


@transaction.atomic
def _settle(push: Push, result: Outcome, steps: Steps) -> None:
    lock_keys(Firewall, [push.firewall_id])
    if not finish(push, result, steps):
        return
    record_contact(push.firewall, unreachable=result.unreachable, offered_key=result.offered_key)
    if result.state != Push.State.CONFIRMED:
        return
    if push.revision and push.revision.number == takeover.HAD:
        takeover.record_given_back(push)
    else:
        firewall = Firewall.objects.filter(pk=push.firewall_id)
        firewall.update(applied=push.revision, drifted_at=None, drift="")
    Drift.objects.filter(firewall=push.firewall_id).delete()
    carrying.confirm(push.firewall_id, carrying.ours(push.revision))


def refuse(push: Push, reason: str, steps: Steps | None = None) -> None:
    """End a push whose firewall was not asked, so that nothing is recorded of that."""
    finish(push, Outcome("failed", reason), steps)
    _advance_rollouts(push)


def finish(push: Push, outcome: Outcome, steps: Steps | None = None) -> bool:
    """Give the push its verdict; False where it has one, or where another worker has claimed it."""
    still_ours = Push.objects.filter(pk=push.pk, state=Push.State.RUNNING, attempts=push.attempts)
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
    for rollout in list(Member.objects.filter(push=push).values_list("rollout", flat=True)):
        rollouts.advance(rollout)
