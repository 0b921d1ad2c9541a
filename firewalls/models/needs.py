"""What workers saw of whether a firewall has all that a push needs."""

from django.db import models

from firewalls.models.firewall import Firewall


class Needs(models.Model):
    """The last answer, or that one is waited for since somebody asked."""

    firewall = models.OneToOneField(Firewall, models.CASCADE, related_name="needs")
    asked_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, blank=True)
    found = models.JSONField(default=list, help_text="Name, state and text of each.")
    silence = models.TextField(blank=True, help_text="Why there is no answer.")

    class Meta:
        verbose_name_plural = "needs"

    def __str__(self) -> str:
        return f"what {self.firewall} needs"
