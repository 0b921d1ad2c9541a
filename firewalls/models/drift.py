"""Drift: what an inspection found on a firewall that was not what had been applied."""

import hashlib
import json

import pgtrigger
from django.db import models

from firewalls.configuration.diffs import unified
from firewalls.models.firewall import Firewall
from networks.common.triggers import FIREWALL, Recorded

Differences = dict[str, tuple[str, str]]  # what was applied and what is there, by path or name


# What a worker finds is no decision, nor is that it is gone again.
_ACCEPTED = pgtrigger.Condition(
    "NEW.accepted_at IS NOT NULL AND NEW.accepted_at IS DISTINCT FROM OLD.accepted_at"
)


class Drift(models.Model):
    """What differed when the firewall was last inspected.

    Once accepted, it counts as right until something changes again.
    """

    firewall = models.OneToOneField(Firewall, models.CASCADE, related_name="difference")
    found = models.JSONField(help_text="What was applied and what is there, by path or name.")
    digest = models.CharField(max_length=64)
    found_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.CharField(max_length=150, blank=True)

    class Meta:
        triggers = [
            Recorded(
                label=FIREWALL.format(row="this"),
                about=["'firewall:' || this.firewall_id"],
                shown_as={"firewall": FIREWALL},
                hidden=["id", "found", "found_at"],
                operation=pgtrigger.Update,
                condition=_ACCEPTED,
            )
        ]

    def __str__(self) -> str:
        return f"drift of {self.firewall}"

    @property
    def diffs(self) -> dict[str, str]:
        """A unified diff per file that was changed on the box, and of what runs there."""
        differences: Differences = self.found
        applied = {name: before for name, (before, _) in differences.items()}
        there = {name: now for name, (_, now) in differences.items()}
        return unified(applied, there, "applied", "on the firewall")


def digest(differences: Differences) -> str:
    """SHA-256, by which the same differences are known again."""
    return hashlib.sha256(json.dumps(differences, sort_keys=True).encode()).hexdigest()
