"""How the SSH of firewalls is reached: through which host, and who certifies their keys."""

from typing import TYPE_CHECKING

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from firewalls import guards
from firewalls.models.firewall import DEFAULT_PORT, Firewall
from firewalls.models.retired import Retired
from firewalls.models.validators import MAX_PORT, host_key, ssh_host, ssh_user
from networks.common.triggers import FIREWALL, Recorded
from networks.common.validation import ValidatedModel
from networks.models import Partition

if TYPE_CHECKING:
    from firewalls.models.jump_host import JumpObservation

OF = (
    "COALESCE('firewall:' || this.firewall_id, 'retired:' || this.retired_id, "
    "'partition:' || this.partition_id)"
)
RETIRED = "(SELECT name FROM firewalls_retired WHERE id = {row}.retired_id)"


class SshAccess(ValidatedModel):
    """For all firewalls of a partition; or for one, which then goes by this alone.

    That of one firewall stays with it when it is retired, so that it is reached as before.
    """

    partition = models.OneToOneField(
        Partition,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="ssh_access",
        help_text="For all of its firewalls that have no access of their own.",
    )
    # Where the firewall is freed, the database moves this on to what is retired, or removes it.
    firewall = models.OneToOneField(
        Firewall, models.DO_NOTHING, null=True, blank=True, related_name="ssh_access"
    )
    retired = models.OneToOneField(
        Retired, models.CASCADE, null=True, blank=True, related_name="ssh_access", editable=False
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

    if TYPE_CHECKING:
        seen: "JumpObservation"

    class Meta:
        verbose_name = "SSH access"
        verbose_name_plural = "SSH accesses"
        ordering = ["pk"]
        triggers = [
            *guards.SSH_ACCESS,
            Recorded(
                kind="ssh-access",
                label="COALESCE(this.partition_id, "
                f"{FIREWALL.format(row='this')}, {RETIRED.format(row='this')})",
                about=[OF],
                hidden=["id"],
                shown_as={"firewall": FIREWALL, "retired": RETIRED},
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="ssh_access_is_of_one",
                condition=Q(partition=None, firewall=None, retired__isnull=False)
                | Q(partition=None, firewall__isnull=False, retired=None)
                | Q(partition__isnull=False, firewall=None, retired=None),
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
        return f"SSH access of {self.firewall or self.retired or self.partition}"

    @property
    def jump_place(self) -> str:
        """Host and port of the jump host, an IPv6 address in brackets."""
        host = f"[{self.jump_host}]" if ":" in self.jump_host else self.jump_host
        return f"{host}:{self.jump_port}"

    @property
    def way(self) -> str:
        """What a worker tries: by which it is known whether it has tried this since a change."""
        return f"{self.jump_user}@{self.jump_place} {self.jump_key}" if self.jump_host else ""

    @property
    def trouble(self) -> str:
        """Why the jump host let nobody through when it was tried last, as a sentence; or nothing.

        Of the firewalls behind it nothing is known then.
        """
        return self.seen.failure if self.way and self.seen.tried == self.way else ""

    @property
    def offered_key(self) -> str:
        """The host key that the jump host showed instead of the pinned one; or nothing."""
        return self.seen.offered_key if self.trouble else ""
