"""Maintenance windows: when pushes to the firewalls of a partition, or to one, may start."""

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from firewalls.configuration.windows import WEEK, Span, zone_problem
from firewalls.models.firewall import Firewall
from firewalls.models.locking import lock_firewall
from networks.common.limits import AtMost
from networks.common.locking import Strength, lock_keys
from networks.common.triggers import FIREWALL, Guard, Recorded
from networks.common.validation import Check, ValidatedModel, refuse
from networks.common.violations import Violation
from networks.models import Partition

_OF = "COALESCE('firewall:' || this.firewall_id, 'partition:' || this.partition_id)"
_KNOWS_THE_ZONE = "EXISTS (SELECT FROM pg_timezone_names WHERE name = NEW.zone)"

_ZONE_CHANGED = pgtrigger.UpdateOf("zone")  # type: ignore[no-untyped-call]


def every_day() -> list[int]:
    return list(WEEK)


class Window(ValidatedModel):
    """Of all firewalls of a partition; or of one, which then goes by its own windows alone."""

    partition = models.ForeignKey(
        Partition,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="windows",
        help_text="For all of its firewalls that have no windows of their own.",
    )
    firewall = models.ForeignKey(
        Firewall, models.CASCADE, null=True, blank=True, related_name="windows"
    )
    days = ArrayField(
        models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(7)]),
        default=every_day,
        validators=[AtMost(len(WEEK))],
        help_text="Days on which it begins: 1 is Monday, 7 is Sunday.",
    )
    begins = models.TimeField()
    ends = models.TimeField(help_text="Before it begins: on the next day.")
    zone = models.CharField(
        "time zone",
        max_length=60,
        default="UTC",
        help_text="Whose clock and summer time count, such as Europe/Berlin.",
    )
    only_automatic = models.BooleanField(
        default=False,
        help_text="Only what is pushed by itself waits for it; what people ask for starts at once.",
    )

    class Meta:
        verbose_name = "maintenance window"
        ordering = ["partition", "firewall", "begins", "pk"]
        constraints = [
            models.CheckConstraint(
                name="window_is_of_one",
                condition=Q(partition__isnull=True, firewall__isnull=False)
                | Q(partition__isnull=False, firewall__isnull=True),
                violation_error_code="of_one",
                violation_error_message="It is either of a partition or of one firewall.",
            ),
            Check(
                field="days",
                name="window_has_days",
                condition=Q(days__len__gt=0) & Q(days__contained_by=list(WEEK)),
                violation_error_code="no_days",
                violation_error_message="A window begins on one day of the week at least.",
            ),
            Check(
                field="ends",
                name="window_lasts",
                condition=~Q(begins=F("ends")),
                violation_error_code="empty",
                violation_error_message="A window ends at another time than it begins.",
            ),
        ]
        triggers = [
            Guard(
                name="knows_the_zone",
                operation=pgtrigger.Insert | _ZONE_CHANGED,
                unless=_KNOWS_THE_ZONE,
                sentence="%s is no time zone; give one such as Europe/Berlin.",
                arguments=["NEW.zone"],
            ),
            Recorded(
                label=f"COALESCE(this.partition_id, {FIREWALL.format(row='this')})",
                about=[_OF],
                hidden=["id"],
                shown_as={"firewall": FIREWALL},
            ),
        ]

    def __str__(self) -> str:
        return f"{self.span} of {self.firewall or self.partition}"

    def lock(self) -> None:
        if self.firewall is not None:
            lock_firewall(self.firewall)
        elif self.partition_id is not None:
            lock_keys(Partition, [self.partition_id], strength=Strength.SHARE)

    def clean(self) -> None:
        super().clean()
        if problem := zone_problem(self.zone):
            refuse(Violation("zone", "no_zone", problem))

    @property
    def is_open(self) -> bool:
        """Whether pushes may start now, by this process' clock: to be shown, not to decide by."""
        return self.span.is_open(timezone.now())

    @property
    def span(self) -> Span:
        """When it is open, as a value."""
        return Span(tuple(sorted({*self.days})), self.begins, self.ends, self.zone)
