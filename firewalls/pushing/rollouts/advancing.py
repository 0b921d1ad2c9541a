"""Advancing a rollout: a wave begins when the one before has ended, unless too many failed."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from firewalls.models import Member, Observation, Push, Rollout

State = Rollout.State


@transaction.atomic
def advance(pk: UUID) -> None:
    """Begin what is next, or end the rollout. May be called by anybody at any time."""
    running = Rollout.objects.filter(pk=pk, state=State.RUNNING)
    rollout = running.select_for_update(no_key=True).first()
    if rollout is None:
        return
    detach_pushes(rollout.members.filter(push__state=Push.State.SUPERSEDED))
    waves = _count_by_wave(rollout)
    failures = sum(wave["failed"] for wave in waves)
    unfinished = [wave["wave"] for wave in waves if wave["unfinished"]]
    if not unfinished:
        end(rollout, State.FINISHED, "")
    elif failures > rollout.max_failures:
        allowed = rollout.max_failures or "none"
        reason = f"It stopped when {failures} had failed, and {allowed} may."
        end(rollout, State.STOPPED, reason)
    else:
        _begin(rollout.members.filter(wave=unfinished[0], push=None), rollout)


def _count_by_wave(rollout: Rollout) -> list[dict[str, Any]]:
    """How many of each wave have failed, and how many have not ended, in the order of the waves."""
    failed = Q(push__state__in=Push.BROKEN)
    ended = Q(push__state=Push.State.CONFIRMED) | failed
    counts = (
        rollout.members.order_by("wave")
        .values("wave")
        .annotate(
            failed=Count("pk", filter=failed),
            unfinished=Count("pk", filter=~ended | Q(push=None)),
        )
    )
    return [dict(wave) for wave in counts]


def _begin(members: "QuerySet[Member]", rollout: Rollout) -> None:
    """Queue their pushes. A firewall whose push waits already is served by that one."""
    firewalls = list(members.values_list("firewall", flat=True))
    if not firewalls:
        return
    Push.objects.enqueue_all(firewalls, rollout.created_by, rollout)
    queued = Push.objects.filter(state=Push.State.QUEUED)
    for member in members.exclude(revision=None).select_related("firewall"):
        queued.filter(firewall=member.firewall_id).update(
            revision=member.revision_id, instead_of=member.firewall.wanted_id
        )
    seen = Observation.objects.filter(pk=OuterRef("firewall"))
    push = queued.filter(firewall=OuterRef("firewall"))
    members.filter(firewall__in=firewalls).update(
        before=Subquery(seen.values("applied")[:1]), push=Subquery(push.values("pk")[:1])
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
    queued.update(state=Push.State.SUPERSEDED, finished_at=Now(), error=reason)
    detach_pushes(rollout.members.filter(push__state=Push.State.SUPERSEDED))


def detach_pushes(members: "QuerySet[Member]") -> None:
    """These members wait for a push again."""
    members.update(push=None)
