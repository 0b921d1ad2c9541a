"""Rollouts: pushes to many firewalls, wave after wave, which stop when too many fail."""

import uuid
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Count, F, Q

from firewalls.models.firewall import Firewall
from firewalls.models.push import Push
from firewalls.models.revision import Revision
from firewalls.pushing import waves
from networks.common.triggers import FIREWALL, Recorded

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

_ROLLOUT = "(SELECT cause FROM firewalls_rollout WHERE id = {row}.rollout_id)"


def default_waves() -> list[waves.Wave]:
    return list(waves.DEFAULT)


class RolloutQuerySet(models.QuerySet["Rollout"]):
    def with_progress(self) -> "RolloutQuerySet":
        """Annotate total, confirmed, failed, running and waiting.

        Counted from its pushes in one statement, so they always add up.
        """
        confirmed = Q(members__push__state=Push.State.CONFIRMED)
        failed = Q(members__push__state__in=Push.BROKEN)
        running = Q(members__push__state=Push.State.RUNNING)
        passed_over = Q(members__left_out__gt="")
        counts = {
            "total": Count("members"),
            "confirmed": Count("members", filter=confirmed),
            "failed": Count("members", filter=failed),
            "running": Count("members", filter=running),
            "passed_over": Count("members", filter=passed_over),
        }
        waiting = {"waiting": F("total") - F("confirmed") - F("failed") - F("passed_over")}
        return self.annotate(**counts).annotate(**waiting)


class Rollout(models.Model):
    """One request to push to many firewalls. Each wave begins when the one before has ended."""

    class State(models.TextChoices):
        RUNNING = "running", "running"
        PAUSED = "paused", "paused"
        STOPPED = "stopped", "stopped"
        FINISHED = "finished", "finished"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cause = models.CharField(max_length=400)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    waves = models.JSONField(
        default=default_waves,
        help_text="Sizes in order: a number, a percentage such as 10%, or rest.",
    )
    max_failures = models.PositiveIntegerField(
        default=0, help_text="So many firewalls may fail; one more stops the rollout."
    )
    reason = models.CharField(max_length=400, blank=True, help_text="Why it does not run.")
    created_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = RolloutQuerySet.as_manager()

    if TYPE_CHECKING:
        members: "RelatedManager[Member]"
        total: int  # where with_progress() annotated them
        confirmed: int
        failed: int
        running: int
        passed_over: int
        waiting: int

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["-created_at"], name="rollout_newest")]
        constraints = [
            models.CheckConstraint(
                name="rollout_ends_once",
                condition=Q(state__in=["running", "paused"], finished_at=None)
                | Q(state__in=["stopped", "finished"], finished_at__isnull=False),
            )
        ]
        triggers = [Recorded(label="this.cause", hidden=["id", "created_at", "finished_at"])]

    def __str__(self) -> str:
        return self.cause

    @property
    def is_open(self) -> bool:
        return self.state in (self.State.RUNNING, self.State.PAUSED)


class Member(models.Model):
    """One firewall of a rollout: its wave, its push once that is queued, and what it had before."""

    rollout = models.ForeignKey(Rollout, models.CASCADE, related_name="members")
    firewall = models.ForeignKey(Firewall, models.CASCADE, related_name="memberships")
    wave = models.PositiveIntegerField(help_text="From 1.")
    position = models.PositiveIntegerField()
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
    push = models.ForeignKey(Push, models.SET_NULL, null=True, blank=True, related_name="members")
    left_out = models.CharField(
        max_length=400,
        blank=True,
        db_default="",
        help_text="Why its turn was left out; empty: not.",
    )

    class Meta:
        ordering = ["rollout", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["rollout", "firewall"], name="firewall_is_rolled_out_once"
            )
        ]
        triggers = [
            Recorded(
                label=f"{FIREWALL.format(row='this')} || ' in ' || {_ROLLOUT.format(row='this')}",
                about=["'firewall:' || this.firewall_id", "'rollout:' || this.rollout_id"],
                shown_as={"firewall": FIREWALL, "rollout": _ROLLOUT},
                hidden=["id", "position", "revision", "before", "push"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.firewall} in {self.rollout}"
