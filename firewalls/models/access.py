"""How the SSH of firewalls is reached: through which host, and who certifies their keys."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from firewalls.models.firewall import DEFAULT_PORT, Firewall
from firewalls.models.validators import MAX_PORT, host_key, ssh_host, ssh_user
from networks.common.triggers import FIREWALL, Recorded
from networks.common.validation import ValidatedModel
from networks.models import Partition

OF = "COALESCE('firewall:' || this.firewall_id, 'partition:' || this.partition_id)"


class SshAccess(ValidatedModel):
    """For all firewalls of a partition; or for one, which then goes by this alone."""

    partition = models.OneToOneField(
        Partition,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="ssh_access",
        help_text="For all of its firewalls that have no access of their own.",
    )
    firewall = models.OneToOneField(
        Firewall, models.CASCADE, null=True, blank=True, related_name="ssh_access"
    )
    jump_host = models.CharField(
        max_length=253,
        blank=True,
        validators=[ssh_host],
        help_text="They are reached through its SSH; empty: they are reached directly.",
    )
    jump_port = models.PositiveIntegerField(
        default=DEFAULT_PORT, validators=[MinValueValidator(1), MaxValueValidator(MAX_PORT)]
    )
    jump_user = models.CharField(
        max_length=63,
        blank=True,
        validators=[ssh_user],
        help_text="Whom the product's key lets in.",
    )
    jump_key = models.CharField(
        max_length=1000,
        blank=True,
        validators=[host_key],
        help_text="The jump host's own key. Pinned: no other key is accepted.",
    )
    host_ca = models.CharField(
        max_length=1000,
        blank=True,
        validators=[host_key],
        help_text="Certifies host keys of firewalls, each for its name. A pinned key goes first.",
    )

    class Meta:
        verbose_name = "SSH access"
        verbose_name_plural = "SSH accesses"
        ordering = ["pk"]
        triggers = [
            Recorded(
                label=f"COALESCE(this.partition_id, {FIREWALL.format(row='this')})",
                about=[OF],
                hidden=["id"],
                shown_as={"firewall": FIREWALL},
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="ssh_access_is_of_one",
                condition=Q(partition__isnull=True, firewall__isnull=False)
                | Q(partition__isnull=False, firewall__isnull=True),
                violation_error_code="of_one",
                violation_error_message="It is either for a partition or for one firewall.",
            ),
            models.CheckConstraint(
                name="jump_host_is_known",
                condition=Q(jump_host="") | (~Q(jump_user="") & ~Q(jump_key="")),
                violation_error_code="not_pinned",
                violation_error_message="A jump host needs a user and its host key.",
            ),
        ]

    def __str__(self) -> str:
        return f"SSH access of {self.firewall or self.partition}"
