"""Revisions: the configurations that were wanted. Pushes: the attempts to bring one to its firewall, rows with a state."""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, models, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from firewalls.models.firewall import NAME, Firewall
from networks.common.audit import operation
from networks.common.triggers import FIREWALL, Recorded

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from firewalls.models.rollout import Member, Rollout

# Times are the database's, never a worker's: clocks of workers may differ, and a heartbeat must not look old because of that.
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
                label=f"{NAME} || ' #' || this.number",
                shown_as={"firewall": FIREWALL},
                about=["'firewall:' || this.firewall_id"],
                hidden=["id", "files", "created_at"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.firewall} #{self.number}"


class PushQuerySet(models.QuerySet["Push"]):
    def open(self) -> "PushQuerySet":
        """Those that wait or run: by `finished_at`, which the constraint ties to the state, because the index of the few is by that."""
        return self.filter(finished_at=None)

    def ended(self) -> "PushQuerySet":
        """Those that came to a verdict of their own."""
        return self.filter(finished_at__isnull=False).exclude(state=Push.State.SUPERSEDED)

    def broken_last(self) -> "PushQuerySet":
        """Those that went wrong although the firewall answered, and that none has come to a verdict since."""
        newer = Push.objects.ended().filter(
            firewall=OuterRef("firewall"), finished_at__gt=OuterRef("finished_at")
        )
        return self.filter(~Exists(newer), unanswered=False, state__in=Push.BROKEN)

    def enqueue(self, firewall: Firewall, by: str = "", revision: Revision | None = None) -> "Push":
        """The one queued push of this firewall; a second request joins it, and the later revision counts."""
        instead_of = firewall.wanted if revision else None
        wish = {
            "requested_by": by,
            "revision": revision,
            "instead_of": None if instead_of == revision else instead_of,
            "rollout": None,
        }
        with operation(f"a push of {firewall} was asked for"), transaction.atomic():
            push, made = self.get_or_create(
                firewall=firewall, state=Push.State.QUEUED, defaults=wish
            )
            if not made:
                self.filter(pk=push.pk, state=Push.State.QUEUED).update(**wish)
                push.revision, push.requested_by = revision, by
        return push

    def enqueue_all(
        self, firewalls: Iterable[uuid.UUID], by: str, rollout: "Rollout | None" = None
    ) -> None:
        """A queued push for each of these firewalls that has none; where one waits already, it will do."""
        self.bulk_create(
            [Push(firewall_id=pk, requested_by=by, rollout=rollout) for pk in firewalls],
            ignore_conflicts=True,
        )

    def claim(self, pk: uuid.UUID | str) -> "Push | None":
        """Start this push, unless another worker has it or the firewall is busy."""
        return self.claimed(pk) if self._start(self.filter(pk=pk)) else None

    def claim_some(self, most: int) -> list["Push"]:
        """Start up to so many of those that wait, the oldest first. Raises nothing where somebody else was faster."""
        busy = Push.objects.filter(firewall=OuterRef("firewall"), state=Push.State.RUNNING)
        waiting = (
            self.open()
            .filter(~Exists(busy), state=Push.State.QUEUED)
            .order_by("created_at")
            .select_for_update(skip_locked=True)
        )
        with transaction.atomic():
            keys = list(waiting.values_list("pk", flat=True)[:most])
            return (
                list(self._whole().filter(pk__in=keys))
                if keys and self._start(self.filter(pk__in=keys))
                else []
            )

    def claimed(self, pk: uuid.UUID | str) -> "Push":
        return self._whole().get(pk=pk)

    def _whole(self) -> "PushQuerySet":
        return Push.objects.select_related("firewall__machine__partition", "revision")

    def _start(self, pushes: "PushQuerySet") -> int:
        """How many became ours: the conditional update that makes a push one worker's, or nobody's if the firewall is busy."""
        try:
            with transaction.atomic():
                return pushes.filter(state=Push.State.QUEUED).update(
                    state=Push.State.RUNNING,
                    started_at=Now(),
                    heartbeat_at=Now(),
                    steps=[],
                    error="",
                    attempts=F("attempts") + 1,
                )
        except IntegrityError:
            return 0

    def requeue_lost(self) -> int:
        """Queue again what a dead worker was running. Where a newer push waits already, that one takes over."""
        lost = self.open().filter(state=Push.State.RUNNING, heartbeat_at__lt=Now() - LOST_AFTER)
        lost.filter(attempts__gte=MOST_ATTEMPTS).update(
            state=Push.State.FAILED,
            finished_at=Now(),
            error=f"Its worker died {MOST_ATTEMPTS} times; push again to retry.",
        )
        waiting = Push.objects.filter(firewall=OuterRef("firewall"), state=Push.State.QUEUED)
        replaced = lost.filter(Exists(waiting)).update(
            state=Push.State.SUPERSEDED,
            finished_at=Now(),
            error="Its worker died; a newer push took over.",
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
    BROKEN = (State.FAILED, State.ROLLED_BACK)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    firewall = models.ForeignKey(Firewall, models.CASCADE, related_name="pushes")
    # Empty while queued, unless an older revision was asked for: the push takes the latest when it starts.
    revision = models.ForeignKey(
        Revision, models.RESTRICT, null=True, blank=True, related_name="pushes"
    )
    # Somebody chose the revision although another one was wanted: what was wanted then is not pushed by itself over it.
    instead_of = models.ForeignKey(
        Revision, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    rollout = models.ForeignKey(
        "firewalls.Rollout", models.SET_NULL, null=True, blank=True, related_name="pushes"
    )
    state = models.CharField(max_length=11, choices=State.choices, default=State.QUEUED)
    steps = models.JSONField(default=list)
    error = models.TextField(blank=True)
    unanswered = models.BooleanField(
        default=False, help_text="It failed because the firewall did not answer."
    )
    attempts = models.PositiveIntegerField(default=0)
    requested_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)

    objects = PushQuerySet.as_manager()

    if TYPE_CHECKING:
        members: "RelatedManager[Member]"

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "pushes"
        indexes = [
            # The state of a firewall is read from this one alone.
            models.Index(
                fields=["firewall", "-finished_at"],
                include=["state", "unanswered"],
                name="push_latest",
            ),
            models.Index(fields=["-created_at"], name="push_newest"),
            models.Index(
                fields=["state", "created_at"], name="push_open", condition=Q(finished_at=None)
            ),
            models.Index(
                fields=["firewall", "finished_at"],
                name="push_broken",
                condition=Q(state__in=["failed", "rolled_back"], unanswered=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["firewall"], condition=Q(state="queued"), name="one_queued_push"
            ),
            models.UniqueConstraint(
                fields=["firewall"], condition=Q(state="running"), name="one_running_push"
            ),
            models.CheckConstraint(
                name="finished_means_finished",
                condition=Q(state__in=["queued", "running"], finished_at=None)
                | Q(
                    state__in=["confirmed", "rolled_back", "failed", "superseded"],
                    finished_at__isnull=False,
                ),
            ),
        ]
        triggers = [
            Recorded(
                label=NAME,
                about=["'firewall:' || this.firewall_id"],
                shown_as={
                    "firewall": FIREWALL,
                    "revision": "(SELECT number FROM firewalls_revision WHERE id = {row}.revision_id)",
                    "rollout": "(SELECT cause FROM firewalls_rollout WHERE id = {row}.rollout_id)",
                },
                hidden=[
                    "id",
                    "steps",
                    "heartbeat_at",
                    "created_at",
                    "started_at",
                    "finished_at",
                    "instead_of",
                    "unanswered",
                ],
            )
        ]

    def __str__(self) -> str:
        return f"push of {self.firewall} ({self.get_state_display()})"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    def finish(self, state: str, error: str = "", *, unanswered: bool = False) -> bool:
        """End it; False if a verdict stands already, or it was given to another worker (one given up on cannot overwrite it)."""
        mine = Push.objects.filter(pk=self.pk, state=Push.State.RUNNING, attempts=self.attempts)
        return bool(mine.update(state=state, error=error, finished_at=Now(), unanswered=unanswered))
