"""What workers saw of jump hosts, beside what people decided about them."""

from django.db import models

from firewalls.models.access import SshAccess


class JumpObservation(models.Model):
    """Why a jump host let nobody through when it was tried last; empty where it did.

    The database makes it with the access, and removes it.
    """

    access = models.OneToOneField(SshAccess, models.CASCADE, primary_key=True, related_name="seen")
    tried = models.TextField(
        blank=True, db_default="", help_text="Whom and what was pinned: of another it says nothing."
    )
    failed_at = models.DateTimeField(null=True, blank=True)
    failure = models.TextField(blank=True, db_default="", help_text="Why, as a sentence.")
    offered_key = models.CharField(
        max_length=1000,
        blank=True,
        db_default="",
        help_text="The host key it showed instead of the pinned one.",
    )

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"what was seen of the jump host of {self.access}"
