"""Advancing a rollout: a wave begins when the one before has ended, unless too many failed."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from firewalls.models import Firewall, Member, Observation, Push, Rollout
from firewalls.pushing.rollouts import passing
from networks.common.locking import lock_keys

State = Rollout.State


@transaction.atomic
def advance(pk: UUID) -> None:
    """Begin what is next, or end the rollout. May be called by anybody at any time."""
    locked = lock_keys(Rollout, [pk])
    rollout = Rollout.objects.filter(pk__in=locked, state=State.RUNNING).first()
    if rollout is None:
        return
    waves = _count_by_wave(rollout)
    failures = sum(wave["failed"] for wave in waves)
    unfinished = [wave["wave"] for wave in waves if wave["unfinished"]]
    if not unfinished:
        end(rollout, State.FINISHED, passing.summary(rollout.members.all()))
    elif failures > rollout.max_failures:
        allowed = rollout.max_failures or "none"
        reason = f"It stopped when {failures} had failed, and {allowed} may."
        end(rollout, State.STOPPED, reason)
    elif passing.pass_over(rollout.members.filter(wave=unfinished[0])):
        advance(pk)
    else:
        _begin(rollout.members.filter(wave=unfinished[0]), rollout)


def _count_by_wave(rollout: Rollout) -> list[dict[str, Any]]:
    """How many of each wave have failed, and how many have not ended, in the order of the waves."""
    failed = Q(push__state__in=Push.BROKEN)
    ended = Q(push__state=Push.State.CONFIRMED) | failed
    counts = (
        rollout.members.order_by("wave")
        .values("wave")
        .annotate(
            failed=Count("pk", filter=failed),
            unfinished=Count("pk", filter=Q(left_out="") & (~ended | Q(push=None))),
        )
    )
    return [dict(wave) for wave in counts]


def _begin(wave: "QuerySet[Member]", rollout: Rollout) -> None:
    """Queue the pushes that the wave lacks, also of those that were taken back.

    A firewall whose push waits already is served by that one.
    """
    lacking = Q(push=None) | Q(push__state=Push.State.SUPERSEDED)
    waiting = wave.filter(lacking, left_out="")
    firewalls = lock_keys(Firewall, waiting.values_list("firewall", flat=True))
    if not firewalls:
        return
    members = rollout.members.filter(firewall__in=firewalls)
    Push.objects.enqueue_all(firewalls, rollout.created_by, rollout)
    queued = Push.objects.filter(firewall__in=firewalls, state=Push.State.QUEUED)
    _choose_revisions(queued, members.exclude(revision=None))
    seen = Observation.objects.filter(pk=OuterRef("firewall"))
    push = queued.filter(firewall=OuterRef("firewall"))
    members.update(
        before=Subquery(seen.values("applied")[:1]), push=Subquery(push.values("pk")[:1])
    )


def _choose_revisions(queued: "QuerySet[Push]", members: "QuerySet[Member]") -> None:
    """Have these members' firewalls get the revisions that were given, and not the latest ones."""
    pushes = queued.filter(firewall__in=members.values("firewall"))
    locked = lock_keys(Push, pushes.values_list("pk", flat=True))
    given = members.filter(firewall=OuterRef("firewall"))
    firewall = Firewall.objects.filter(pk=OuterRef("firewall"))
    pushes.filter(pk__in=locked).update(
        revision=Subquery(given.values("revision")[:1]),
        instead_of=Subquery(firewall.values("wanted")[:1]),
    )


def end(rollout: Rollout, state: str, reason: str) -> None:
    """End the locked rollout; its pushes that nobody has begun are withdrawn."""
    withdraw(rollout, f"The rollout has stopped: {reason}")
    rollout.state = state
    rollout.reason = reason[:400]
    rollout.finished_at = Now()
    rollout.save(update_fields=["state", "reason", "finished_at"])


def withdraw(rollout: Rollout, reason: str) -> None:
    """Take back the pushes that the rollout has queued and nobody has begun."""
    queued = rollout.pushes.filter(state=Push.State.QUEUED)
    waiting = rollout.members.filter(push__state=Push.State.SUPERSEDED)
    lock_keys(Firewall, {*_firewalls(queued), *_firewalls(waiting)})
    locked = lock_keys(Push, queued.values_list("pk", flat=True))
    queued.filter(pk__in=locked).update(
        state=Push.State.SUPERSEDED, finished_at=Now(), error=reason
    )
    detach_pushes(waiting)


def _firewalls(rows: "QuerySet[Any]") -> Iterable[UUID]:
    return rows.values_list("firewall", flat=True)


def detach_pushes(members: "QuerySet[Member]") -> None:
    """These members wait for a push again."""
    members.update(push=None)
