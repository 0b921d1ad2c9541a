"""What workers saw of firewalls. Doors write none of it, and workers write nothing else."""

from django.db import models
from django.db.models import Q

from firewalls.models.firewall import Firewall

# Trouble, perhaps: what leads a firewall into the states of trouble without a push of its own.
MARKED = (
    Q(unreachable_since__isnull=False)
    | Q(drifted_at__isnull=False)
    | Q(refused_at__isnull=False)
    | Q(offered_for__gt="")
)


class Observation(models.Model):
    """What was seen of one firewall; the database makes it with the firewall, and removes it."""

    firewall = models.OneToOneField(
        Firewall, models.CASCADE, primary_key=True, related_name="observation"
    )
    applied = models.ForeignKey(
        "firewalls.Revision", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    drifted_at = models.DateTimeField(null=True, blank=True)
    drift = models.TextField(blank=True, db_default="")
    unreachable_since = models.DateTimeField(null=True, blank=True)
    silences = models.PositiveIntegerField(
        db_default=0, default=0, help_text="How often in a row it did not answer."
    )
    checked_at = models.DateTimeField(
        null=True, blank=True, help_text="When what is on it was seen last."
    )
    check_due_at = models.DateTimeField(
        null=True, blank=True, help_text="When it is looked at next; empty: when possible."
    )
    refused_at = models.DateTimeField(
        null=True, blank=True, help_text="When the last look was refused; empty: it was not."
    )
    refusal = models.TextField(blank=True, db_default="", help_text="Why, as a sentence.")
    offered_key = models.CharField(
        max_length=1000,
        blank=True,
        db_default="",
        help_text="The host key it showed that was not pinned then.",
    )
    offered_for = models.CharField(
        max_length=1000,
        blank=True,
        db_default="",
        help_text="What was pinned when it showed that key.",
    )
    offered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["check_due_at"], name="observation_due"),
            # Few are marked, and every page asks for those.
            models.Index(fields=["firewall"], name="observation_marked", condition=MARKED),
        ]

    def __str__(self) -> str:
        return f"what was seen of {self.firewall}"
