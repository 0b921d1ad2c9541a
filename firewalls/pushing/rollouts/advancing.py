"""Advancing a rollout: a wave begins when the one before has ended, unless too many failed."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from firewalls.models import Firewall, Member, Push, Rollout, Turn
from firewalls.models.turns import FAILED, UNANSWERED, UNFINISHED, is_at
from firewalls.pushing.rollouts import passing
from firewalls.pushing.rollouts.queueing import queue
from firewalls.pushing.rollouts.sequence import (
    AFTER_A_FAILURE,
    WAITS_FOR_A_SIBLING,
    has_order,
)
from networks.common.locking import lock_keys

State = Rollout.State
AGAIN = "It does not begin again by itself: retry and resume it, or change what is wanted."


@transaction.atomic
def advance(pk: UUID) -> None:
    """Begin what is next, or end the rollout. May be called by anybody at any time."""
    locked = lock_keys(Rollout, [pk])
    rollout = Rollout.objects.filter(pk__in=locked, state=State.RUNNING).first()
    while rollout is not None and _is_over_at_once(rollout):
        pass


def _is_over_at_once(rollout: Rollout) -> bool:
    """Begin what is next, or end it; whether what was begun has ended already."""
    waves = _count_by_wave(rollout)
    unfinished = [wave["wave"] for wave in waves if wave["unfinished"]]
    if not unfinished:
        end(rollout, State.FINISHED, passing.summary(rollout.members.all()))
    elif reason := too_many(rollout):
        end(rollout, State.STOPPED, f"It stopped when {reason}.")
    elif passing.pass_over(rollout, unfinished[0]):
        return True
    else:
        return _begin(rollout, unfinished[0], waves)
    return False


def _count_by_wave(rollout: Rollout) -> list[dict[str, Any]]:
    """How large each wave is, and how many of it have ended well, or not, in their order."""
    counts = (
        rollout.members.order_by("wave")
        .values("wave")
        .annotate(
            total=Count("pk"),
            unfinished=Count("pk", filter=UNFINISHED),
            begun=Count("pk", filter=UNFINISHED & Q(push__isnull=False)),
            confirmed=Count("pk", filter=is_at(Turn.CONFIRMED)),
        )
    )
    return [dict(wave) for wave in counts]


def too_many(rollout: Rollout) -> str:
    """What says that nothing more of it may begin; empty if it may.

    Where it began by itself, one that does not answer has not been tried, and stops nothing: it is
    pushed to once it answers.
    """
    failed = rollout.members.filter(FAILED)
    if rollout.partition_id is not None:
        failed = failed.exclude(UNANSWERED)
    count = failed.count()
    if count <= rollout.max_failures:
        return ""
    return f"{count} had failed, and {rollout.max_failures or 'none'} may"


def _begin(rollout: Rollout, wave: int, waves: list[dict[str, Any]]) -> bool:
    """Queue the pushes that the wave lacks; whether all of those are over already.

    Of the firewalls of one network those that come first alone, until they have ended.
    """
    lacking = rollout.members.filter(wave=wave, push=None, left_out="").exclude(firewall=None)
    if has_order(rollout):
        lacking = lacking.filter(~WAITS_FOR_A_SIBLING)
    if (room := _room(rollout, waves)) is not None:
        next_ones = lacking.order_by("position").values_list("pk", flat=True)[:room]
        lacking = rollout.members.filter(pk__in=list(next_ones))
    return queue(rollout, lacking)


def _room(rollout: Rollout, waves: list[dict[str, Any]]) -> int | None:
    """How many more may be queued; None: as many as there are.

    Until a first one was confirmed, nothing is known of what is brought, and no more go at once
    than in the first wave: the canary may have been freed, or be pushed to by somebody else.
    """
    limits = [] if any(one["confirmed"] for one in waves) else [waves[0]["total"]]
    if rollout.at_once is not None:
        limits.append(rollout.at_once)
    return max(0, min(limits) - sum(one["begun"] for one in waves)) if limits else None


def end(rollout: Rollout, state: str, reason: str) -> None:
    """End the locked rollout; its pushes that nobody has begun are withdrawn."""
    withdraw(rollout, f"The rollout has stopped: {reason}")
    by_itself = rollout.partition_id is not None
    if by_itself:
        _leave(rollout)
    rollout.state = state
    waits = by_itself and state == State.STOPPED
    rollout.reason = f"{reason} {AGAIN}"[:400] if waits else reason[:400]
    rollout.finished_at = Now()
    rollout.save(update_fields=["state", "reason", "finished_at"])


def _leave(rollout: Rollout) -> None:
    """Note what those want that it did not bring it to: that does not begin again by itself."""
    held = is_at(Turn.PASSED_OVER) & ~AFTER_A_FAILURE
    left = rollout.members.exclude(is_at(Turn.CONFIRMED)).exclude(held).exclude(UNANSWERED)
    wanted = Firewall.objects.filter(pk=OuterRef("firewall")).values("wanted__number")
    left.update(left_at=Subquery(wanted[:1]))


def withdraw(rollout: Rollout, reason: str) -> None:
    """Take back the pushes that the rollout has queued and nobody has begun."""
    queued = Push.objects.filter(rollout=rollout, state=Push.State.QUEUED)
    lock_keys(Firewall, _firewalls(queued))
    detach_pushes(rollout.members.filter(push__in=queued.withdraw(reason)))


def _firewalls(rows: "QuerySet[Any]") -> Iterable[UUID]:
    return rows.values_list("firewall", flat=True)


def detach_pushes(members: "QuerySet[Member]") -> None:
    """These members wait for a push again."""
    members.update(push=None)
