"""Passing over: a rollout leaves out whom it must not push to, with a sentence, and goes on.

Those are whom a person holds, and whose push would lose flows after that of a sibling has failed.
"""

from django.db.models import Q, QuerySet

from firewalls.models import Firewall, Hold, Member, Push, Rollout
from firewalls.pushing.rollouts.sequence import AFTER_A_FAILURE, failed_before, has_order
from networks.common.locking import lock_keys

NOT_BEGUN = Q(push=None) | Q(push__state=Push.State.QUEUED)
LONGEST = 400


def pass_over(rollout: Rollout, wave: int) -> int:
    """Leave out those of the wave whose push has not begun and must not; how many.

    Those that are held, and those of a network in which a push that comes first has failed. To
    resume the rollout takes them up again. The rollout is locked.
    """
    out = Q(firewall__in=Hold.objects.in_force().values("firewall"))
    if has_order(rollout):
        out |= Q(AFTER_A_FAILURE)
    members = rollout.members.filter(NOT_BEGUN, out, wave=wave, left_out="")
    firewalls = lock_keys(Firewall, members.values_list("firewall", flat=True))
    rows = members.filter(firewall__in=firewalls)
    chosen = list(rows.select_related("firewall__hold", "firewall__machine"))
    if not chosen:
        return 0
    # Nobody begins a push that waits later, by surprise.
    Push.objects.filter(members__in=chosen).withdraw("Its rollout passes the firewall over.")
    for member in chosen:
        member.left_out = _why(member)[:LONGEST]
        member.push = None
    return Member.objects.bulk_update(chosen, ["left_out", "push"])


def _why(member: Member) -> str:
    if first := failed_before(member):
        return f"{first} of the same network comes first, and its push failed."
    return member.firewall.hold.sentence if member.firewall else ""


def take_up_again(members: "QuerySet[Member]") -> None:
    """Those that were passed over wait for their turn again."""
    members.exclude(left_out="").update(left_out="")


def summary(members: "QuerySet[Member]") -> str:
    """How many were passed over, as a sentence; empty if none was."""
    count = members.exclude(left_out="").count()
    if not count:
        return ""
    why = "because somebody holds them"
    if members.exclude(left_out="").filter(AFTER_A_FAILURE).exists():
        why += ", or because a push that comes first in their network failed"
    return f"{count} {'was' if count == 1 else 'were'} passed over, {why}."
