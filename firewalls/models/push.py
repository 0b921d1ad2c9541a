"""Revisions: the configurations that were wanted. Pushes: the attempts to bring one to its firewall, rows with a state."""

import uuid
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils import timezone

from firewalls.models.firewall import NAME, Firewall
from networks.recording import FIREWALL, Recorded
from networks.trail import operation

# A worker that runs a push says so every few seconds; silent for this long, it is taken for dead.
HEARTBEAT_SECONDS = 2
LOST_AFTER = timedelta(seconds=12)
MOST_ATTEMPTS = 5


class Revision(models.Model):
    """One distinct configuration of a firewall, kept once and addressed by its content."""

    firewall = models.ForeignKey(Firewall, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    files = models.JSONField(help_text="Text by path.")
    cause = models.CharField(max_length=400)
    created_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["firewall", "number"], name="revision_number"),
            models.UniqueConstraint(fields=["firewall", "digest"], name="revision_is_kept_once"),
        ]
        triggers = [
            Recorded(
                label=f"{NAME} || ' #' || this.number", told={"firewall": FIREWALL},
                about=["'firewall:' || this.firewall_id"], hidden=["id", "files", "created_at"],
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.firewall} #{self.number}"


class PushQuerySet(models.QuerySet["Push"]):
    def open(self) -> "PushQuerySet":
        return self.filter(state__in=Push.OPEN)

    def enqueue(self, firewall: Firewall, by: str = "", revision: Revision | None = None) -> "Push":
        """The one queued push of this firewall; a second request joins it, and the later revision counts."""
        with operation(f"a push of {firewall} was asked for"), transaction.atomic():
            push, made = self.get_or_create(firewall=firewall, state=Push.State.QUEUED, defaults={"requested_by": by, "revision": revision})
            if not made:
                self.filter(pk=push.pk, state=Push.State.QUEUED).update(revision=revision, requested_by=by)
                push.revision, push.requested_by = revision, by
        return push

    def claim(self, pk: uuid.UUID | str) -> "Push | None":
        """Start this push, unless another worker has it or the firewall is busy."""
        now = timezone.now()
        try:
            with transaction.atomic():
                won = self.filter(pk=pk, state=Push.State.QUEUED).update(
                    state=Push.State.RUNNING, started_at=now, heartbeat_at=now, steps=[], error="", attempts=models.F("attempts") + 1
                )
        except IntegrityError:
            return None
        return self.select_related("firewall__machine", "revision").get(pk=pk) if won else None

    def requeue_lost(self) -> int:
        """Queue again what a dead worker was running. Where a newer push waits already, that one takes over."""
        lost = self.filter(state=Push.State.RUNNING, heartbeat_at__lt=timezone.now() - LOST_AFTER)
        lost.filter(attempts__gte=MOST_ATTEMPTS).update(
            state=Push.State.FAILED, finished_at=timezone.now(), error=f"Its worker died {MOST_ATTEMPTS} times; push again to retry."
        )
        waiting = Push.objects.filter(firewall=models.OuterRef("firewall"), state=Push.State.QUEUED)
        replaced = lost.filter(models.Exists(waiting)).update(
            state=Push.State.SUPERSEDED, finished_at=timezone.now(), error="Its worker died; a newer push took over."
        )
        try:
            with transaction.atomic():
                return replaced + lost.update(state=Push.State.QUEUED, heartbeat_at=None)
        except IntegrityError:  # A newer push was queued just now: the next round sees it.
            return replaced


class Push(models.Model):
    """One attempt to put a configuration on a firewall. Workers claim it by a conditional update."""

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        RUNNING = "running", "running"
        CONFIRMED = "confirmed", "confirmed"
        ROLLED_BACK = "rolled_back", "rolled back"
        FAILED = "failed", "failed"
        SUPERSEDED = "superseded", "superseded"

    OPEN = (State.QUEUED, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    firewall = models.ForeignKey(Firewall, models.CASCADE, related_name="pushes")
    # Empty while queued, unless an older revision was asked for: the push takes the latest when it starts.
    revision = models.ForeignKey(Revision, models.RESTRICT, null=True, blank=True, related_name="pushes")
    state = models.CharField(max_length=11, choices=State.choices, default=State.QUEUED)
    steps = models.JSONField(default=list)
    error = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0)
    requested_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)

    objects = PushQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "pushes"
        indexes = [
            models.Index(fields=["firewall", "-finished_at"], name="push_latest"),
            models.Index(fields=["-created_at"], name="push_newest"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["firewall"], condition=Q(state="queued"), name="one_queued_push"),
            models.UniqueConstraint(fields=["firewall"], condition=Q(state="running"), name="one_running_push"),
            models.CheckConstraint(
                name="finished_means_finished",
                condition=Q(state__in=["queued", "running"], finished_at=None)
                | Q(state__in=["confirmed", "rolled_back", "failed", "superseded"], finished_at__isnull=False),
            ),
        ]
        triggers = [
            Recorded(
                label=NAME, about=["'firewall:' || this.firewall_id"],
                told={"firewall": FIREWALL, "revision": "(SELECT number FROM firewalls_revision WHERE id = {row}.revision_id)"},
                hidden=["id", "steps", "heartbeat_at", "created_at", "started_at", "finished_at"],
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"push of {self.firewall} ({self.get_state_display()})"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    def progress(self, steps: list[dict[str, Any]]) -> bool:
        """Note how far it is; False if the push was given to somebody else meanwhile."""
        return self._update(steps=steps, heartbeat_at=timezone.now())

    def beat(self) -> bool:
        """Say that its worker lives."""
        return self._update(heartbeat_at=timezone.now())

    def finish(self, state: str, error: str = "") -> bool:
        """End it; False if a verdict stands already (a worker given up on cannot overwrite it)."""
        return self._update(state=state, error=error, finished_at=timezone.now())

    def _update(self, **values: Any) -> bool:
        mine = Push.objects.filter(pk=self.pk, state=Push.State.RUNNING, attempts=self.attempts)
        return bool(mine.update(**values))
