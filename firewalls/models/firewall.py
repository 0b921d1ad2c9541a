"""A firewall is a machine that guards its primary network and may join further ones."""

from ipaddress import IPv4Address
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from firewalls import guards
from firewalls.models.states import TROUBLE, FirewallQuerySet, State
from firewalls.models.validators import MAX_PORT, host_key, interface_name, ssh_host, ssh_user
from machines.models import Machine
from networks.common.triggers import FIREWALL, MACHINE, Recorded
from networks.common.validation import ValidatedModel
from networks.models import Network, Partition, Project

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from firewalls.models.attachment import Attachment
    from firewalls.models.push import Push
    from firewalls.models.revision import Revision
    from firewalls.models.rule import Rule

DEFAULT_PORT, DEFAULT_USER = 22, "shared-networks"
NAME = FIREWALL.format(row="this")  # SQL: what the firewall of a recorded row is called


def default_uplinks() -> list[str]:
    return ["lan0", "lan1"]


class Firewall(ValidatedModel):
    """A machine that guards its primary network (one-to-one: addresses and networks exist once)."""

    State = State
    TROUBLE = TROUBLE

    machine = models.OneToOneField(
        Machine, models.CASCADE, primary_key=True, related_name="firewall"
    )
    uplinks = ArrayField(
        models.CharField(max_length=15, validators=[interface_name]),
        default=default_uplinks,
        help_text="Interfaces to the leaves.",
    )
    host = models.CharField(
        max_length=253, blank=True, validators=[ssh_host], help_text="Where its SSH answers."
    )
    port = models.PositiveIntegerField(
        default=DEFAULT_PORT, validators=[MinValueValidator(1), MaxValueValidator(MAX_PORT)]
    )
    user = models.CharField(max_length=63, default=DEFAULT_USER, validators=[ssh_user])
    host_key = models.CharField(
        max_length=1000,
        blank=True,
        validators=[host_key],
        help_text="Pinned: no other key is accepted.",
    )
    practice = models.BooleanField(
        default=False, help_text="A folder behind a real SSH server, without a kernel of its own."
    )
    wanted = models.ForeignKey(
        "firewalls.Revision",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )
    applied = models.ForeignKey(
        "firewalls.Revision",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )
    drifted_at = models.DateTimeField(null=True, blank=True, editable=False)
    drift = models.TextField(blank=True, editable=False)
    unreachable_since = models.DateTimeField(null=True, blank=True, editable=False)
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    check_due_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When it is looked at next; empty: when possible.",
    )
    silences = models.PositiveIntegerField(
        default=0, editable=False, help_text="How often in a row it did not answer."
    )
    offered_key = models.CharField(
        max_length=1000,
        blank=True,
        editable=False,
        help_text="The host key it showed that is not pinned.",
    )
    offered_for = models.CharField(
        max_length=1000,
        blank=True,
        editable=False,
        help_text="What was pinned when it showed that key.",
    )
    offered_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = FirewallQuerySet.as_manager()

    if TYPE_CHECKING:
        attachments: "RelatedManager[Attachment]"
        state: str  # where with_state() annotated it
        rules: "RelatedManager[Rule]"
        revisions: "RelatedManager[Revision]"
        pushes: "RelatedManager[Push]"

    class Meta:
        ordering = ["machine__name", "machine_id"]
        triggers = [
            *guards.FIREWALL,
            Recorded(
                label=MACHINE.format(row="this"),
                about=["'machine:' || this.machine_id"],
                hidden=[
                    "machine",
                    "wanted",
                    "applied",
                    "checked_at",
                    "check_due_at",
                    "silences",
                    "drift",
                ],  # revisions and pushes have events of their own
            ),
        ]

    def __str__(self) -> str:
        return self.machine.name

    @property
    def id(self) -> UUID:
        return self.machine_id

    @property
    def name(self) -> str:
        return self.machine.name

    @property
    def partition(self) -> Partition:
        return self.machine.partition

    @property
    def project(self) -> Project:
        return self.machine.project

    @property
    def primary(self) -> Network:
        return self.machine.primary

    @property
    def key_changed(self) -> bool:
        """Whether it showed another host key than is pinned: nothing is sent until it is judged."""
        return bool(self.offered_for) and self.offered_for == self.host_key

    @property
    def router_id(self) -> IPv4Address | None:
        """Its address in the underlay: loopback, VXLAN endpoint and BGP router id in one."""
        for row in self.machine.addresses.all():
            if row.network.kind == Network.Kind.UNDERLAY and isinstance(row.address, IPv4Address):
                return row.address
        return None
