"""Rollouts: pushes to many firewalls, wave after wave, which stop when too many fail."""

import uuid
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Count, F, Q
from django.utils import timezone

from firewalls.models.start import Start
from firewalls.models.turns import Turn, is_at
from networks.common import waves
from networks.common.fields import one_line
from networks.common.triggers import Recorded
from networks.models import Partition

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from firewalls.models.member import Member
    from firewalls.models.push import Push


def default_waves() -> list[waves.Wave]:
    return list(waves.DEFAULT)


class RolloutQuerySet(models.QuerySet["Rollout"]):
    def with_progress(self) -> "RolloutQuerySet":
        """Annotate total, and how many are at which turn; `waiting` are those that run, too.

        Counted from its pushes in one statement, so they always add up.
        """
        counts = {
            turn.value: Count("members", filter=is_at(turn, "members__"))
            for turn in Turn
            if turn != Turn.WAITING
        }
        over = F("confirmed") + F("failed") + F("taken_over") + F("gone") + F("passed_over")
        waiting = {"waiting": F("total") - over}
        return self.annotate(**{"total": Count("members"), **counts}).annotate(**waiting)


MOST_AT_ONCE = 10_000  # pushes of one rollout


class Rollout(models.Model):
    """One request to push to many firewalls. Each wave begins when the one before has ended."""

    class State(models.TextChoices):
        RUNNING = "running", "running"
        PAUSED = "paused", "paused"
        STOPPED = "stopped", "stopped"
        FINISHED = "finished", "finished"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cause = models.CharField(max_length=400, validators=[one_line])
    partition = models.ForeignKey(
        Partition,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="rollouts",
        help_text="It began by itself, with what is wanted in this partition.",
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    waves = models.JSONField(
        default=default_waves,
        help_text="Sizes in order: a number, a percentage such as 10%, or rest.",
    )
    max_failures = models.PositiveIntegerField(
        default=0, help_text="So many firewalls may fail; one more stops the rollout."
    )
    at_once = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="So many of its pushes are under way at a time; empty: whole waves.",
    )
    reason = models.CharField(max_length=400, blank=True, help_text="Why it does not run.")
    start = models.CharField(
        max_length=6,
        choices=Start.choices,
        blank=True,
        db_default="",
        help_text="Of all of its pushes, as a person has chosen.",
    )
    start_reason = models.CharField(max_length=400, blank=True, db_default="")
    created_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    asked_at = models.DateTimeField(
        default=timezone.now, help_text="A push that was asked for later goes before it."
    )
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = RolloutQuerySet.as_manager()

    if TYPE_CHECKING:
        members: "RelatedManager[Member]"
        pushes: "RelatedManager[Push]"
        total: int  # where with_progress() annotated them
        confirmed: int
        failed: int
        taken_over: int
        gone: int
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
            ),
            models.CheckConstraint(
                name="rollout_starts_now_for_a_reason",
                condition=~Q(start=Start.NOW) | ~Q(start_reason=""),
            ),
            models.CheckConstraint(
                name="rollout_has_some_at_once", condition=Q(at_once=None) | Q(at_once__gte=1)
            ),
            models.UniqueConstraint(
                fields=["partition"],
                condition=Q(finished_at=None),
                name="one_automatic_rollout",
            ),
        ]
        triggers = [
            Recorded(label="this.cause", hidden=["id", "created_at", "asked_at", "finished_at"])
        ]

    def __str__(self) -> str:
        return self.cause

    @property
    def is_open(self) -> bool:
        return self.state in (self.State.RUNNING, self.State.PAUSED)
