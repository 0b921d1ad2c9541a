"""What firewalls join beyond their primary network."""

from collections.abc import Iterator
from typing import Any, cast

from django.db import models

from firewalls import guards
from firewalls.models.firewall import NAME, Firewall
from machines import rules
from networks.common.triggers import FIREWALL, Recorded
from networks.common.validation import Unique, ValidatedModel
from networks.common.violations import Violation
from networks.models import Network

FIRST_PLACE = 1  # the primary network's is 0
PLACE = "Its number among the networks of the firewall, kept for as long as it is joined."


class OnePlaceEach(models.UniqueConstraint):
    """No two networks of a firewall have one place, which the database gives each at its insert.

    An index of expressions, so that sets of forms do not look for it in rows that have none yet.
    """

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: a row has no place yet, and of two writers at once the later one tries again."""


class Attachment(ValidatedModel):
    """A further network of a firewall: shared, external, or the underlay (R4)."""

    firewall = models.ForeignKey(Firewall, models.CASCADE, related_name="attachments")
    network = models.ForeignKey(Network, models.PROTECT, related_name="attachments")
    place = models.PositiveSmallIntegerField(
        "place", editable=False, db_default=FIRST_PLACE, help_text=PLACE
    )
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
            ),
            OnePlaceEach("firewall", "place", name="place_once"),
        ]
        triggers = [
            *guards.ATTACHMENT,
            Recorded(
                label=f"{NAME} || ' in ' || this.network_id",
                hidden=["id", "place"],
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
