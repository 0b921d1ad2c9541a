"""What firewalls join beyond their primary network."""

from collections.abc import Iterator
from typing import cast

from django.db import models

from firewalls import guards
from firewalls.models.firewall import NAME, Firewall
from machines import rules
from networks.common.triggers import FIREWALL, Recorded
from networks.common.validation import Unique, ValidatedModel
from networks.common.violations import Violation
from networks.models import Network


class Attachment(ValidatedModel):
    """A further network of a firewall: shared, external, or the underlay (R4)."""

    firewall = models.ForeignKey(Firewall, models.CASCADE, related_name="attachments")
    network = models.ForeignKey(Network, models.PROTECT, related_name="attachments")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["network_id"]
        constraints = [
            Unique(
                field="network",
                name="joins_once",
                fields=["firewall", "network"],
                violation_error_code="joined_already",
                violation_error_message="The firewall has joined this network already (R6).",
            )
        ]
        triggers = [
            *guards.ATTACHMENT,
            Recorded(
                label=f"{NAME} || ' in ' || this.network_id",
                hidden=["id"],
                shown_as={"firewall": FIREWALL},
                about=["'firewall:' || this.firewall_id", "'network:' || this.network_id"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.firewall} in {self.network}"

    @property
    def role(self) -> str:
        return "shared" if self.network.kind == Network.Kind.PRIVATE else self.network.kind

    def standing_violations(self) -> Iterator[Violation]:
        machine = self.firewall.machine
        if self.network.kind == Network.Kind.SUPER:
            yield from rules.not_explicit(self.network, "network")
        yield from rules.may_join(
            self.network, machine.primary_id, machine.project_id, machine.partition_id
        )

    def change_violations(self, before: models.Model) -> Iterator[Violation]:
        was = cast(Attachment, before)
        moved = (was.firewall_id, was.network_id) != (self.firewall_id, self.network_id)
        yield from rules.keeps_attachment(moved)

    def removal_violations(self) -> Iterator[Violation]:
        addresses = self.firewall.machine.addresses.filter(prefix__network=self.network_id).count()
        yield from rules.attachment_unused(self.firewall.name, self.network_id, addresses)
