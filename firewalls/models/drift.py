"""Drift: what differed on a firewall from what had been applied, and who took that for right."""

import hashlib
import json

import pgtrigger
from django.db import models

from firewalls.configuration.diffs import unified
from firewalls.models.firewall import Firewall
from networks.common.triggers import FIREWALL, Recorded

Differences = dict[str, tuple[str, str]]  # what was applied and what is there, by path or name


class Drift(models.Model):
    """What differed when the firewall was last inspected. An observation.

    `found_at`: since when it is exactly this that differs.
    """

    firewall = models.OneToOneField(Firewall, models.CASCADE, related_name="difference")
    found = models.JSONField(help_text="What was applied and what is there, by path or name.")
    digest = models.CharField(max_length=64)
    found_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"drift of {self.firewall}"

    @property
    def acceptance(self) -> "AcceptedDrift | None":
        """Who took exactly this for right, and when; or None."""
        row: AcceptedDrift | None = getattr(self.firewall, "accepted_drift", None)
        if row is None or row.digest != self.digest or row.accepted_at < self.found_at:
            return None
        return row

    @property
    def diffs(self) -> dict[str, str]:
        """A unified diff per file that was changed on the box, and of what runs there."""
        differences: Differences = self.found
        applied = {name: before for name, (before, _) in differences.items()}
        there = {name: now for name, (_, now) in differences.items()}
        return unified(applied, there, "applied", "on the firewall")


class AcceptedDrift(models.Model):
    """Exactly these differences count as right, a person decided, until something else differs.

    Told from what was seen by nothing but its digest and time: workers never write it.
    """

    firewall = models.OneToOneField(
        Firewall, models.CASCADE, primary_key=True, related_name="accepted_drift"
    )
    digest = models.CharField(max_length=64, help_text="Of the differences that were shown.")
    accepted_at = models.DateTimeField()
    accepted_by = models.CharField(max_length=150, blank=True)

    class Meta:
        default_permissions = ()
        triggers = [
            Recorded(
                kind="drift",
                label=FIREWALL.format(row="this"),
                about=["'firewall:' || this.firewall_id"],
                shown_as={"firewall": FIREWALL},
                operation=pgtrigger.Insert | pgtrigger.Update,
            )
        ]

    def __str__(self) -> str:
        return f"accepted drift of {self.firewall}"


def digest(differences: Differences) -> str:
    """SHA-256, by which the same differences are known again."""
    return hashlib.sha256(json.dumps(differences, sort_keys=True).encode()).hexdigest()
