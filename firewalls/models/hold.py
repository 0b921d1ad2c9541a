"""Holds: a person says that nothing is pushed to a firewall, why, and until when."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from firewalls.models.firewall import Firewall
from firewalls.models.locking import lock_firewall
from networks.common.fields import one_line
from networks.common.triggers import FIREWALL, Recorded
from networks.common.validation import Check, ValidatedModel, refuse
from networks.common.violations import Violation


class HoldQuerySet(models.QuerySet["Hold"]):
    def in_force(self) -> "HoldQuerySet":
        """Those whose time has not come."""
        return self.filter(Q(until=None) | Q(until__gt=Now()))

    def over(self) -> "HoldQuerySet":
        """Those that have ended by themselves."""
        return self.filter(until__lte=Now())


class Hold(ValidatedModel):
    """While it lasts, no push to the firewall starts. It is looked at as ever.

    A hold whose time has come is none any more; reconcile removes its row.
    """

    firewall = models.OneToOneField(Firewall, models.CASCADE, primary_key=True, related_name="hold")
    reason = models.CharField(max_length=400, validators=[one_line])
    held_by = models.CharField(max_length=150, blank=True)
    since = models.DateTimeField(default=timezone.now, editable=False)
    until = models.DateTimeField(
        null=True, blank=True, help_text="It ends by itself then; empty: when somebody ends it."
    )

    objects = HoldQuerySet.as_manager()

    class Meta:
        ordering = ["firewall"]
        indexes = [models.Index(fields=["until"], name="hold_until")]
        constraints = [
            Check(
                field="until",
                name="hold_ends_after_it_began",
                condition=Q(until=None) | Q(until__gt=F("since")),
                violation_error_code="in_the_past",
                violation_error_message="A hold ends in the future.",
            ),
            Check(
                field="reason",
                name="hold_has_a_reason",
                condition=~Q(reason=""),
                violation_error_code="required",
                violation_error_message="Say why it is held.",
            ),
        ]
        triggers = [
            Recorded(
                label=FIREWALL.format(row="this"),
                about=["'firewall:' || this.firewall_id"],
                shown_as={"firewall": FIREWALL},
                hidden=["since"],
            )
        ]

    def __str__(self) -> str:
        return f"hold of {self.firewall}"

    def lock(self) -> None:
        lock_firewall(self.firewall)

    def clean(self) -> None:
        """Its time is to come when it is chosen; later it may be over."""
        super().clean()
        chosen_before = Hold.objects.filter(pk=self.pk, until=self.until)
        if self.is_over and not chosen_before.exists():
            refuse(Violation("until", "in_the_past", "A hold ends in the future."))

    @property
    def is_over(self) -> bool:
        """Whether its time has come."""
        return self.until is not None and self.until <= timezone.now()

    @property
    def sentence(self) -> str:
        """By whom it is held, until when, and why."""
        by = f" by {self.held_by}" if self.held_by else ""
        until = f" until {self.until:%d %B %Y, %H:%M} UTC" if self.until else ""
        return f"{self.firewall} is held{by}{until}: {self.reason}"
