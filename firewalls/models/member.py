"""Members: the firewalls of a rollout, which it remembers also once they are freed."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from firewalls.configuration.sequence import Rank
from firewalls.models.firewall import Firewall
from firewalls.models.push import Push
from firewalls.models.revision import Revision
from firewalls.models.rollout import Rollout
from firewalls.models.turns import TURN, Turn
from networks.common.triggers import Recorded

_ROLLOUT = "(SELECT cause FROM firewalls_rollout WHERE id = {row}.rollout_id)"


class MemberQuerySet(models.QuerySet["Member"]):
    def with_turn(self) -> "MemberQuerySet":
        """Annotate `turn`."""
        turn = {"turn": TURN}
        return self.annotate(**turn)

    def remember(self, firewall: Firewall) -> None:
        """Its firewall is about to be removed, and its pushes with it: keep how far it was."""
        over = (Turn.CONFIRMED, Turn.FAILED, Turn.TAKEN_OVER)
        for member in self.filter(firewall=firewall).with_turn():
            outcome = member.turn if member.turn in over else Turn.GONE
            self.filter(pk=member.pk).update(outcome=outcome, firewall=None)


class Member(models.Model):
    """One firewall of a rollout: its wave, its push once that is queued, and what it had before."""

    rollout = models.ForeignKey(Rollout, models.CASCADE, related_name="members")
    firewall = models.ForeignKey(
        Firewall, models.SET_NULL, null=True, blank=True, related_name="memberships"
    )
    name = models.CharField(max_length=63, help_text="Of its firewall, when the rollout began.")
    outcome = models.CharField(
        max_length=12, blank=True, choices=Turn.choices, help_text="How far it was when freed."
    )
    wave = models.PositiveIntegerField(help_text="From 1.")
    position = models.PositiveIntegerField()
    rank = models.PositiveSmallIntegerField(
        default=Rank.BETWEEN,
        db_default=Rank.BETWEEN,
        help_text="Of the firewalls of one network, those of a lower one are pushed to first.",
    )
    revision = models.ForeignKey(
        Revision,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="None: the latest one.",
    )
    # What was applied when its push was queued: rolling back leads there.
    before = models.ForeignKey(Revision, models.SET_NULL, null=True, blank=True, related_name="+")
    # The number of the revision that was wanted when the rollout ended without it.
    left_at = models.PositiveIntegerField(null=True, blank=True)
    push = models.ForeignKey(Push, models.SET_NULL, null=True, blank=True, related_name="members")
    left_out = models.CharField(
        max_length=400,
        blank=True,
        db_default="",
        help_text="Why its turn was left out; empty: not.",
    )

    objects = MemberQuerySet.as_manager()

    if TYPE_CHECKING:
        turn: str  # where with_turn() annotated it

    class Meta:
        ordering = ["rollout", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["rollout", "firewall"], name="firewall_is_rolled_out_once"
            ),
            models.CheckConstraint(
                name="remembered_once_it_is_gone",
                condition=Q(firewall__isnull=False, outcome="")
                | (Q(firewall=None) & ~Q(outcome="")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["firewall"], name="member_left", condition=Q(left_at__isnull=False)
            )
        ]
        triggers = [
            Recorded(
                label=f"this.name || ' in ' || {_ROLLOUT.format(row='this')}",
                about=["'firewall:' || this.firewall_id", "'rollout:' || this.rollout_id"],
                shown_as={"firewall": "{row}.name", "rollout": _ROLLOUT},
                hidden=["id", "name", "position", "rank", "revision", "before", "push", "left_at"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} in {self.rollout}"
