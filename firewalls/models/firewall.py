"""A firewall is a machine that guards its primary network and may join further ones."""

from ipaddress import IPv4Address
from typing import TYPE_CHECKING
from uuid import UUID

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from firewalls import guards
from firewalls.models.states import TROUBLE, FirewallQuerySet, State
from firewalls.models.validators import MAX_PORT, host_key, interface_name, ssh_host, ssh_user
from machines.models import Machine
from networks.common.limits import MOST_UPLINKS, AtMost
from networks.common.triggers import FIREWALL, MACHINE, Recorded
from networks.common.validation import ValidatedModel
from networks.models import Network, Partition, Project

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from firewalls.models.attachment import Attachment
    from firewalls.models.hold import Hold
    from firewalls.models.observation import Observation
    from firewalls.models.push import Push
    from firewalls.models.revision import Revision
    from firewalls.models.rule import Rule
    from firewalls.models.window import Window

_MAKE = "INSERT INTO firewalls_observation (firewall_id) VALUES (NEW.machine_id); RETURN NULL;"
_REMOVE = "DELETE FROM firewalls_observation WHERE firewall_id = OLD.machine_id; RETURN OLD;"
OBSERVED = [
    pgtrigger.Trigger(
        name="observed", when=pgtrigger.After, operation=pgtrigger.Insert, func=_MAKE
    ),
    pgtrigger.Trigger(
        name="observed_no_more", when=pgtrigger.Before, operation=pgtrigger.Delete, func=_REMOVE
    ),
]
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
        validators=[AtMost(MOST_UPLINKS)],
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
    # Another host key than the pinned one was shown, and somebody kept the pinned one.
    key_dismissed_at = models.DateTimeField(null=True, blank=True, editable=False)

    replaced_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When it was moved to its present box."
    )

    objects = FirewallQuerySet.as_manager()

    if TYPE_CHECKING:
        attachments: "RelatedManager[Attachment]"
        observation: "Observation"
        state: str  # where with_state() annotated it
        unseen: bool  # where it was claimed to be inspected
        rules: "RelatedManager[Rule]"
        windows: "RelatedManager[Window]"
        revisions: "RelatedManager[Revision]"
        pushes: "RelatedManager[Push]"

    class Meta:
        ordering = ["machine__name", "machine_id"]
        triggers = [
            *guards.FIREWALL,
            Recorded(
                label=MACHINE.format(row="this"),
                about=["'machine:' || this.machine_id"],
                hidden=["machine", "wanted"],  # revisions have events of their own
            ),
            *OBSERVED,
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def id(self) -> UUID:
        return self.machine_id

    @property
    def name(self) -> str:
        """What it is called; of one that was freed before anybody asked, its id."""
        try:
            return self.machine.name
        except Machine.DoesNotExist:
            return f"firewall {self.machine_id}"

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
    def unjudged_key(self) -> str:
        """The host key that it showed, is not pinned, and nobody has judged since; or nothing."""
        seen, dismissed_at = self.observation, self.key_dismissed_at
        judged = dismissed_at and (seen.offered_at is None or seen.offered_at <= dismissed_at)
        return "" if judged or seen.offered_key == self.host_key else seen.offered_key

    @property
    def key_changed(self) -> bool:
        """Whether it showed another host key than is pinned: nothing is sent until it is judged."""
        offered_for = self.observation.offered_for
        return bool(offered_for and offered_for == self.host_key and self.unjudged_key)

    @property
    def held(self) -> "Hold | None":
        """Its hold, while that lasts: no push starts."""
        hold: Hold | None = getattr(self, "hold", None)
        return None if hold is None or hold.is_over else hold

    @property
    def router_id(self) -> IPv4Address | None:
        """Its address in the underlay: loopback, VXLAN endpoint and BGP router id in one."""
        for row in self.machine.addresses.all():
            if row.network.kind == Network.Kind.UNDERLAY and isinstance(row.address, IPv4Address):
                return row.address
        return None
