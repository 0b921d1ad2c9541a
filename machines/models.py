"""Machines: each lives in exactly one network."""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from machines import guards, rules
from networks.common.fields import LabelsField, as_address, empty_if_none, hostname
from networks.common.triggers import Recorded
from networks.common.validation import ChoiceCheck, Unique, ValidatedModel
from networks.common.violations import Violation
from networks.models import Address, Carried, Network, Partition, Project
from networks.rules import kept_back

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class MachineQuerySet(models.QuerySet["Machine"]):
    def producers(self) -> "MachineQuerySet":
        """Machines that live in a shared network: they serve the others."""
        return self.filter(primary__shared=True, firewall=None)

    def plain(self) -> "MachineQuerySet":
        """Machines that are no firewalls."""
        return self.filter(firewall=None)

    def matching(self, text: str) -> "MachineQuerySet":
        """Machines whose name, address or id is meant by what somebody typed."""
        condition = models.Q(name__icontains=text)
        if ip := as_address(text):
            condition |= models.Q(pk__in=Address.objects.filter(address=ip).values("machine"))
        with suppress(ValueError):
            condition |= models.Q(pk=uuid.UUID(text))
        return self.filter(condition)


class Machine(ValidatedModel):
    """A server of a project. Its primary network is a column, so it has exactly one (R4)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=63, validators=[hostname])
    partition = models.ForeignKey(Partition, models.PROTECT, related_name="machines")
    project = models.ForeignKey(Project, models.PROTECT, related_name="machines")
    primary = models.ForeignKey(Network, models.PROTECT, related_name="residents")
    asn = models.BigIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(2**32 - 1)],
        help_text="AS number of its routing daemon.",
    )
    labels = LabelsField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MachineQuerySet.as_manager()
    # Set by whoever loads many machines, with a query for all of them: what firewalls have joined.
    loaded_networks: frozenset[str] | None = None

    if TYPE_CHECKING:
        addresses: "RelatedManager[Address]"

    class Meta:
        ordering = ["name", "id"]
        indexes = [
            models.Index(fields=["partition", "name"], name="machine_by_partition"),
            models.Index(fields=["project", "name"], name="machine_by_project"),
        ]
        constraints = [
            ChoiceCheck(
                name="machine_labels_are_an_object", condition=models.Q(labels__contains={})
            ),
            Unique(
                field="asn",
                name="asn_is_unique",
                fields=["asn"],
                violation_error_code="asn_taken",
                violation_error_message="Another machine already has this AS number.",
            ),
        ]
        triggers = [
            *guards.MACHINE,
            Recorded(label="this.name", about=["'network:' || this.primary_id"]),
        ]

    def __str__(self) -> str:
        return self.name

    def clean_fields(self, exclude: Any = None) -> None:
        self.labels = empty_if_none(self.labels)
        super().clean_fields(exclude)

    def standing_violations(self) -> Iterator[Violation]:
        yield from rules.primary_is_own(self.primary, self.project_id, self.partition_id)

    def change_violations(self, before: models.Model) -> Iterator[Violation]:
        yield from rules.keeps_identity(cast(Machine, before).identity(), self.identity())

    def in_the_way(self, constraint: str) -> str:
        other = Machine.objects.filter(asn=self.asn).exclude(pk=self.pk).first()
        return f"{other} already has AS number {self.asn}." if other else ""

    def refused_violations(self) -> Iterator[Violation]:
        elsewhere = Carried.objects.filter(asn=self.asn).exclude(box=self.pk)
        yield from kept_back("asn", f"AS number {self.asn}", elsewhere.firewalls())

    def identity(self) -> dict[str, object]:
        """What never changes of a machine, by id."""
        return {
            "partition": self.partition_id,
            "project": self.project_id,
            "primary": self.primary_id,
        }

    def is_firewall(self) -> bool:
        """Whether it is a firewall. Read anew, for it may have been freed meanwhile."""
        if self.loaded_networks is not None:
            return hasattr(self, "firewall")
        return Machine.objects.filter(pk=self.pk).exclude(firewall=None).exists()

    def lives_in(self, network: str) -> bool:
        """Whether the network is its primary one or, of a firewall, one that it has joined."""
        if self.primary_id == network:
            return True
        if self.loaded_networks is not None:
            return network in self.loaded_networks
        firewall = getattr(self, "firewall", None)
        return firewall is not None and firewall.attachments.filter(network=network).exists()
