"""Passing over: a rollout leaves out what a person holds, with a sentence, and goes on."""

from django.db.models import Q, QuerySet

from firewalls.models import Firewall, Hold, Member, Push
from networks.common.locking import lock_keys

NOT_BEGUN = Q(push=None) | Q(push__state=Push.State.QUEUED)
LONGEST = 400


def pass_over(wave: "QuerySet[Member]") -> int:
    """Leave out those of the wave that are held and whose push has not begun; how many.

    To resume the rollout takes them up again. The rollout is locked.
    """
    held = Hold.objects.in_force().values("firewall")
    members = wave.filter(NOT_BEGUN, left_out="", firewall__in=held)
    firewalls = lock_keys(Firewall, members.values_list("firewall", flat=True))
    chosen = list(members.filter(firewall__in=firewalls).select_related("firewall__hold"))
    if not chosen:
        return 0
    # Nobody begins a push that waits later, by surprise.
    Push.objects.filter(members__in=chosen).withdraw("The firewall is held.")
    for member in chosen:
        if member.firewall is not None:
            member.left_out = member.firewall.hold.sentence[:LONGEST]
        member.push = None
    return Member.objects.bulk_update(chosen, ["left_out", "push"])


def take_up_again(members: "QuerySet[Member]") -> None:
    """Those that were passed over wait for their turn again."""
    members.exclude(left_out="").update(left_out="")


def summary(members: "QuerySet[Member]") -> str:
    """How many were passed over, as a sentence; empty if none was."""
    count = members.exclude(left_out="").count()
    if not count:
        return ""
    return f"{count} {'was' if count == 1 else 'were'} passed over, because somebody holds them."
