"""Queueing the pushes of a rollout. Each is the rollout's own, and stays it to its end."""

from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from firewalls.models import Choice, Firewall, Member, Push, Rollout
from networks.common.locking import lock_keys

State = Push.State


def queue(rollout: Rollout, waiting: "QuerySet[Member]") -> bool:
    """Queue a push for each of these members; whether it is over for all of them already.

    What waits at its firewall since before the rollout was asked for yields to it. One that was
    asked for later goes first instead, and the member's own is written down as taken over by that.
    """
    locked = lock_keys(Firewall, waiting.values_list("firewall", flat=True))
    rows = waiting.filter(firewall__in=locked).select_related("firewall__observation")
    members = {member.firewall_id: member for member in rows if member.firewall_id}
    if not members:
        return False
    later = _later(rollout, locked)
    pushes = {firewall: _own(rollout, member) for firewall, member in members.items()}
    for firewall, other in later.items():
        _yields(pushes[firewall], other)
    own = [firewall for firewall in pushes if firewall not in later]
    with Push.objects.making_way(own, f"The rollout “{rollout.cause}” was asked for later."):
        Push.objects.bulk_create(pushes.values())
    if rollout.start:
        Choice.objects.bulk_create(chosen(rollout, push) for push in pushes.values())
    for firewall, member in members.items():
        member.push = pushes[firewall]
        member.before_id = member.firewall.observation.applied_id if member.firewall else None
    Member.objects.bulk_update(members.values(), ["push", "before"], batch_size=500)
    return not own and all(push.finished_at for push in later.values())


def chosen(rollout: Rollout, push: Push) -> Choice:
    """What a person has chosen for all pushes of the rollout."""
    why = {"reason": rollout.start_reason, "chosen_by": rollout.created_by}
    return Choice(push=push, start=rollout.start, **why)


def _own(rollout: Rollout, member: Member) -> Push:
    """The latest revision, or the one that was given."""
    wanted = member.firewall.wanted_id if member.firewall else None
    other = member.revision_id is not None and member.revision_id != wanted
    return Push(
        firewall_id=member.firewall_id,
        rollout=rollout,
        requested_by=rollout.created_by,
        revision_id=member.revision_id,
        instead_of_id=wanted if other else None,
    )


def _later(rollout: Rollout, firewalls: list[UUID]) -> dict[UUID, Push]:
    """By firewall, what others asked for since: what is under way, or an older revision, chosen."""
    others = Push.objects.filter(firewall__in=firewalls, created_at__gt=rollout.asked_at)
    others = others.exclude(rollout=rollout).exclude(state=State.SUPERSEDED)
    meant = others.filter(Q(finished_at=None) | Q(instead_of__isnull=False))
    return {push.firewall_id: push for push in meant.order_by("created_at")}


def _yields(push: Push, later: Push) -> None:
    """It never begins."""
    push.state = State.SUPERSEDED
    push.superseded_by = later
    push.finished_at = Now()
    asked = later.requested_by or "Somebody"
    push.error = f"{asked} asked for another push after this rollout was asked for."
