"""Revisions: the configurations that were wanted of firewalls."""

from django.db import models

from firewalls.models.firewall import NAME, Firewall
from networks.common.triggers import FIREWALL, Recorded


class Revision(models.Model):
    """One distinct configuration of a firewall, kept once and addressed by its content."""

    firewall = models.ForeignKey(Firewall, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    files = models.JSONField(help_text="Text by path.")
    plan = models.JSONField(
        null=True, blank=True, help_text="What the files were rendered from, to answer questions."
    )
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
                hidden=["id", "files", "plan", "created_at"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.firewall} #{self.number}"
