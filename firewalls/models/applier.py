"""Which applier workers have met on a firewall."""

from django.db import models

from firewalls.models.firewall import Firewall


class Applier(models.Model):
    """The applier that a firewall had when it was last looked at or pushed to. An observation."""

    firewall = models.OneToOneField(
        Firewall, models.CASCADE, primary_key=True, related_name="applier"
    )
    digest = models.CharField(max_length=64, db_index=True, help_text="SHA-256 of its file.")
    protocol = models.PositiveSmallIntegerField(help_text="What it speaks; 1: it does not say.")
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"the applier of {self.firewall}"
