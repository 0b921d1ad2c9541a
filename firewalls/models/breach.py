"""The flows that break laws, and what has changed since they were judged."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from firewalls.models.law import LONGEST_ID, Law


class Breach(models.Model):
    """Flows that break a law as things stand: between two ends, how far, and one with its path.

    Written by whoever judges alone.
    """

    law = models.ForeignKey(Law, models.DO_NOTHING, related_name="breaches", db_constraint=False)
    source = models.CharField(max_length=LONGEST_ID)
    target = models.CharField(max_length=LONGEST_ID, blank=True)
    version = models.PositiveSmallIntegerField()
    protocol = models.CharField(max_length=4)
    outside = models.BooleanField(default=False)
    boxes = models.JSONField()
    sentence = models.TextField()
    path = models.JSONField(default=list)
    since = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        ordering = ["law", "source", "target", "version", "protocol"]
        constraints = [
            models.UniqueConstraint(
                name="breach_is_known_once",
                fields=["law", "source", "target", "version", "protocol"],
            )
        ]

    def __str__(self) -> str:
        return self.sentence


class Unjudged(models.Model):
    """What has changed in this transaction and may break a law, as `Touched` has it.

    No row of it is ever committed: who commits without having judged is refused by the database.
    """

    kind = models.CharField(max_length=30)
    about = ArrayField(models.TextField())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.kind} {', '.join(self.about)}"
