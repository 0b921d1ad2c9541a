"""Acknowledgements: a person says that a cause of trouble is known, why, and until when."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from networks.common.fields import one_line
from networks.common.triggers import Recorded
from networks.common.validation import Check, ValidatedModel, refuse
from networks.common.violations import Violation


class AcknowledgementQuerySet(models.QuerySet["Acknowledgement"]):
    def in_force(self) -> "AcknowledgementQuerySet":
        """Those whose time has not come."""
        return self.filter(until__gt=Now())


class Acknowledgement(ValidatedModel):
    """While it lasts, the cause is shown below those that nobody has acknowledged.

    It speaks of the firewalls that were in this trouble when it was said, and of no others: a
    firewall that gets into it later, or gets out of it and in again, needs another word.
    """

    state = models.CharField(max_length=12, validators=[one_line])
    reason = models.CharField(max_length=400, blank=True, validators=[one_line])
    firewalls = ArrayField(models.UUIDField(), editable=False)
    note = models.CharField(max_length=400, validators=[one_line])
    acknowledged_by = models.CharField(max_length=150, blank=True)
    since = models.DateTimeField(default=timezone.now, editable=False)
    until = models.DateTimeField(help_text="It ends by itself then, or once the cause is gone.")

    objects = AcknowledgementQuerySet.as_manager()

    class Meta:
        ordering = ["until", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["state", "reason"],
                name="acknowledged_once",
                violation_error_code="acknowledged",
                violation_error_message="Somebody has acknowledged this in the same moment.",
            ),
            Check(
                field="until",
                name="acknowledgement_ends_after_it_began",
                condition=Q(until__gt=F("since")),
                violation_error_code="in_the_past",
                violation_error_message="An acknowledgement ends in the future.",
            ),
            Check(
                field="note",
                name="acknowledgement_has_a_note",
                condition=~Q(note=""),
                violation_error_code="required",
                violation_error_message="Say what is known of it.",
            ),
        ]
        triggers = [
            Recorded(
                label="this.state || CASE WHEN this.reason <> '' "
                "THEN ': ' || this.reason ELSE '' END",
                hidden=["firewalls", "since"],
            )
        ]

    def __str__(self) -> str:
        return f"acknowledgement of {self.state}{f': {self.reason}' if self.reason else ''}"

    def clean(self) -> None:
        """Its time is to come when it is chosen; later it may be over."""
        super().clean()
        chosen_before = Acknowledgement.objects.filter(pk=self.pk, until=self.until)
        if self.until <= timezone.now() and not chosen_before.exists():
            refuse(Violation("until", "in_the_past", "An acknowledgement ends in the future."))
