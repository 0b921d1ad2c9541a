"""Firewalls that were freed and may still run what they were given."""

from typing import TYPE_CHECKING

import pgtrigger
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Case, F, Func, OuterRef, TextField, Value, When
from django.db.models.functions import Cast, Concat, Now

from firewalls import guards
from firewalls.models.firewall import DEFAULT_PORT, DEFAULT_USER, Firewall
from networks.common.triggers import Recorded
from networks.models import Carried, CarriedQuerySet, Partition

REACHED_BY = ("host", "port", "user", "host_key", "practice")


class RetiredQuerySet(models.QuerySet["Retired"]):
    def retire(self, firewall: Firewall, by: str) -> "Retired | None":
        """Keep what it takes to reach a firewall that is freed; None where nothing of ours is."""
        if not Carried.objects.filter(box=firewall.pk).exists():
            return None
        machine, applied = firewall.machine, firewall.observation.applied
        fields: dict[str, object] = {name: getattr(firewall, name) for name in REACHED_BY}
        fields |= {
            "name": machine.name,
            "partition_id": machine.partition_id,
            "project": machine.project_id,
            "network": machine.primary_id,
            "files": applied.files if applied else {},
            "retired_by": by,
        }
        retired, _ = self.update_or_create(id=firewall.pk, defaults=fields)
        return retired

    def with_reserved(self) -> "RetiredQuerySet":
        """With `reserved`: what each may still have, as texts, in the query itself."""
        own = Carried.objects.filter(box=OuterRef("pk"), machine=F("box")).order_by("pk")
        texts = ArraySubquery(own.annotate(text=_WHAT).values("text"))
        return self.annotate(reserved=texts)  # type: ignore[no-redef]


def _after(word: str, column: str) -> Concat:
    return Concat(Value(word), Cast(column, TextField()), output_field=TextField())


_WHAT = Case(
    When(address__isnull=False, then=Func("address", function="host", output_field=TextField())),
    When(vrf__isnull=False, then=_after("VRF id ", "vrf")),
    default=_after("AS number ", "asn"),
)


class Retired(models.Model):
    """A firewall that was freed while it may still run what it was given.

    It is reached as before, so that the configuration can be taken off it. It ends once that is
    done, or once a person says that it is gone; what it carries is then free (R16).
    """

    class Outcome(models.TextChoices):
        ASKED = "asked", "waits to be taken off"
        RUNNING = "running", "is being taken off"
        FAILED = "failed", "not taken off"

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=63)
    # Until it is clean it may be reached, and managed, as its partition says: that stays (R15).
    # None: its partition was removed before this was held.
    partition = models.ForeignKey(
        Partition,
        models.PROTECT,
        null=True,
        blank=True,
        db_column="partition",
        related_name="retired",
    )
    # As they were called: they may be removed since.
    project = models.CharField(max_length=63)
    network = models.CharField(max_length=63)
    host = models.CharField(max_length=253, blank=True)
    port = models.PositiveIntegerField(default=DEFAULT_PORT)
    user = models.CharField(max_length=63, default=DEFAULT_USER)
    host_key = models.CharField(max_length=1000, blank=True)
    practice = models.BooleanField(default=False)
    files = models.JSONField(default=dict, help_text="What it was seen to run last, by path.")
    retired_at = models.DateTimeField(db_default=Now())
    retired_by = models.CharField(max_length=150, blank=True, db_default="")
    outcome = models.CharField(max_length=7, choices=Outcome.choices, blank=True, db_default="")
    leaves_empty = models.BooleanField(
        db_default=False,
        default=False,
        help_text="An empty configuration is to be left there, and not what it had before.",
    )
    asked_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, db_default="")
    steps = models.JSONField(default=list)

    objects = RetiredQuerySet.as_manager()

    if TYPE_CHECKING:
        reserved: list[str]  # where with_reserved() annotated it

    class Meta:
        ordering = ["name", "id"]
        verbose_name = "retired firewall"
        triggers = [
            pgtrigger.Trigger(
                name="gives_all_back",
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
                func=guards.GIVES_ALL_BACK,
            ),
            Recorded(
                label="this.name",
                about=["'firewall:' || this.id", "'network:' || this.network"],
                hidden=["id", "files", "steps", "asked_at", "host_key"],
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def carried(self) -> CarriedQuerySet:
        """What is kept back because of it."""
        return Carried.objects.filter(box=self.pk)

    @property
    def is_open(self) -> bool:
        """Whether somebody is at it, or will be."""
        return self.outcome in (self.Outcome.ASKED, self.Outcome.RUNNING)

    @property
    def sentence(self) -> str:
        """What is kept back because of it; of rows that came with `reserved`."""
        what = ", ".join(self.reserved)
        return f"{self} may still have {what}." if what else f"Nothing of {self} is kept back."
