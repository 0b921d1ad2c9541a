"""Pushes: the attempts to put a configuration on its firewall, rows with a state."""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.functions import Now

from firewalls.models.firewall import NAME, Firewall
from firewalls.models.revision import Revision
from networks.common.audit import operation
from networks.common.locking import lock_keys
from networks.common.triggers import FIREWALL, Recorded
from networks.common.validation import refuse
from networks.common.violations import Violation

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from firewalls.models.member import Member


BY_ITSELF = "reconcile"  # who asks for what no person has asked for
_NUMBER = "(SELECT number FROM firewalls_revision WHERE id = {row}.revision_id)"
_CAUSE = "(SELECT cause FROM firewalls_rollout WHERE id = {row}.rollout_id)"


class PushQuerySet(models.QuerySet["Push"]):
    def open(self) -> "PushQuerySet":
        """Those that wait or run.

        By `finished_at`, which a constraint ties to the state: the index of the few open ones is
        by that.
        """
        return self.filter(finished_at=None)

    def ended(self) -> "PushQuerySet":
        """Those that came to a verdict of their own."""
        return self.filter(finished_at__isnull=False).exclude(state=Push.State.SUPERSEDED)

    def broken_last(self) -> "PushQuerySet":
        """Those that went wrong although the firewall answered, with no later verdict."""
        newer = Push.objects.ended().filter(
            firewall=OuterRef("firewall"), finished_at__gt=OuterRef("finished_at")
        )
        return self.filter(~Exists(newer), unanswered=False, state__in=Push.BROKEN)

    def enqueue(self, firewall: Firewall, by: str = "", revision: Revision | None = None) -> "Push":
        """Ask for a push; a later one than any that waits, which yields to it and is superseded.

        Where somebody has asked for the very same already, it is that push. Raises ValidationError
        where the firewall is gone, or held.
        """
        instead_of = firewall.wanted if revision else None
        push = Push(
            firewall=firewall,
            requested_by=by,
            revision=revision,
            instead_of=None if instead_of == revision else instead_of,
        )
        with operation(f"a push of {firewall} was asked for"), transaction.atomic():
            if not lock_keys(Firewall, [firewall.pk]):
                refuse(Violation("firewall", "gone", f"{firewall} was freed meanwhile."))
            Firewall.objects.filter(pk=firewall.pk).refuse_if_held()
            alike = self.filter(firewall=firewall, state=Push.State.QUEUED, rollout=None)
            if same := alike.filter(revision=revision).first():
                return same
            with self.making_way([firewall.pk], f"{by or 'Somebody'} asked for a later push."):
                push.save(force_insert=True)
        return push

    def withdraw(self, reason: str) -> list[uuid.UUID]:
        """Take back those of these that nobody has begun; which. Their firewalls are locked."""
        queued = self.filter(state=Push.State.QUEUED)
        locked = lock_keys(Push, queued.values_list("pk", flat=True))
        withdrawn = list(queued.filter(pk__in=locked).values_list("pk", flat=True))
        Push.objects.filter(pk__in=withdrawn)._supersede(reason)
        return withdrawn

    def _supersede(self, reason: str) -> None:
        self.update(state=Push.State.SUPERSEDED, finished_at=Now(), error=reason)

    @contextmanager
    def making_way(self, firewalls: Iterable[uuid.UUID], reason: str) -> Iterator[None]:
        """What waits at these firewalls, which are locked, yields to what is queued in the block.

        It keeps what it was: whose it is, and which revision.
        """
        waiting = self.filter(firewall__in=firewalls, state=Push.State.QUEUED)
        both = self.filter(Q(pk__in=waiting) | Q(superseded_by__in=waiting))
        locked = lock_keys(Push, both.values_list("pk", flat=True))
        yielding = list(waiting.filter(pk__in=locked).values_list("pk", flat=True))
        self.filter(pk__in=yielding)._supersede(reason)
        yield
        self.followed(yielding)

    def followed(self, superseded: list[uuid.UUID]) -> None:
        """Write down which push came instead of these, and of those that they came instead of.

        It is the one that waits there now. All of them are locked.
        """
        if superseded:
            before = self.filter(Q(pk__in=superseded) | Q(superseded_by__in=superseded))
            later = Push.objects.filter(firewall=OuterRef("firewall"), state=Push.State.QUEUED)
            before.update(superseded_by=Subquery(later.values("pk")[:1]))


class Push(models.Model):
    """One attempt to put a configuration on a firewall. Workers claim it in `pushing/claiming`."""

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        RUNNING = "running", "running"
        CONFIRMED = "confirmed", "confirmed"
        REFUSED = "refused", "refused"
        ROLLED_BACK = "rolled_back", "rolled back"
        UNSEEN = "unseen", "unseen"
        SUPERSEDED = "superseded", "superseded"

    OPEN = (State.QUEUED, State.RUNNING)
    # Nothing was changed; it went back, and said so; or it may run the old or the new.
    BROKEN = (State.REFUSED, State.ROLLED_BACK, State.UNSEEN)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    firewall = models.ForeignKey(Firewall, models.CASCADE, related_name="pushes")
    # Empty while queued, unless an older one was asked for: the latest is chosen when it starts.
    revision = models.ForeignKey(
        Revision, models.RESTRICT, null=True, blank=True, related_name="pushes"
    )
    # Wanted when somebody chose another revision: it is not pushed over that one by itself.
    instead_of = models.ForeignKey(
        Revision, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    rollout = models.ForeignKey(
        "firewalls.Rollout", models.SET_NULL, null=True, blank=True, related_name="pushes"
    )
    state = models.CharField(max_length=11, choices=State.choices, default=State.QUEUED)
    # Which one took its place in the end, where that is known.
    superseded_by = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="supersedes"
    )
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
                condition=Q(state__in=["refused", "rolled_back", "unseen"], unanswered=False),
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
                    state__in=["confirmed", "refused", "rolled_back", "unseen", "superseded"],
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
                    "revision": _NUMBER,
                    "rollout": _CAUSE,
                },
                hidden=[
                    "id",
                    "steps",
                    "heartbeat_at",
                    "created_at",
                    "started_at",
                    "finished_at",
                    "instead_of",
                    "superseded_by",
                    "unanswered",
                ],
            )
        ]

    def __str__(self) -> str:
        return f"push of {self.firewall} ({self.get_state_display()})"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN
