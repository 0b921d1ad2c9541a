"""Taking a firewall over from what set it up before, and giving it back."""

from django.db import models

from firewalls.models.firewall import Firewall
from networks.common.triggers import FIREWALL, Recorded


class Survey(models.Model):
    """What workers saw on a firewall beside what is ours."""

    firewall = models.OneToOneField(Firewall, models.CASCADE, related_name="survey")
    units = models.JSONField(help_text="Those of others, text by path.")
    files = models.JSONField(help_text="What ours replace or meet, text by path.")
    now = models.JSONField(help_text="What runs and is set, text by name.")
    cut = models.JSONField(help_text="Of these only the beginning is known.")
    surveyed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"what {self.firewall} has"

    @property
    def texts(self) -> dict[str, str]:
        """All of it, by path or name."""
        return {**self.units, **self.files, **self.now}


class Takeover(models.Model):
    """What a person decided: which units of others make way for ours, or that all is given back."""

    firewall = models.OneToOneField(Firewall, models.CASCADE, related_name="takeover")
    units = models.JSONField(
        default=dict, help_text="The digests of those that were adopted, by path."
    )
    taken_at = models.DateTimeField(null=True, blank=True)
    taken_by = models.CharField(max_length=150, blank=True)
    given_back_at = models.DateTimeField(null=True, blank=True)
    given_back_by = models.CharField(max_length=150, blank=True)

    class Meta:
        triggers = [
            Recorded(
                label=FIREWALL.format(row="this"),
                about=["'firewall:' || this.firewall_id"],
                shown_as={"firewall": FIREWALL},
                hidden=["id", "units"],
            )
        ]

    def __str__(self) -> str:
        return f"takeover of {self.firewall}"
