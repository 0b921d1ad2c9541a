"""Machines: each lives in exactly one network."""

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from machines import rules
from networks.fields import given, hostname, short_labels
from networks.models import Network, Partition, Project
from networks.rules import Violation
from networks.validation import Unique, ValidatedModel

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from networks.models import Address


class MachineQuerySet(models.QuerySet["Machine"]):
    def producers(self) -> "MachineQuerySet":
        """Machines that live in a shared network: they serve the others."""
        return self.filter(primary__shared=True, firewall=None)

    def plain(self) -> "MachineQuerySet":
        """Machines that are no firewalls."""
        return self.filter(firewall=None)


class Machine(ValidatedModel):
    """A server of a project. Its primary network is a column, so it has exactly one (R4)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=63, validators=[hostname])
    partition = models.ForeignKey(Partition, models.PROTECT, related_name="machines")
    project = models.ForeignKey(Project, models.PROTECT, related_name="machines")
    primary = models.ForeignKey(Network, models.PROTECT, related_name="residents")
    asn = models.BigIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(2**32 - 1)], help_text="AS number of its routing daemon."
    )
    labels = models.JSONField(default=dict, blank=True, validators=[short_labels])
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MachineQuerySet.as_manager()

    if TYPE_CHECKING:
        addresses: "RelatedManager[Address]"

    class Meta:
        ordering = ["name", "id"]
        indexes = [
            models.Index(fields=["partition", "name"], name="machine_by_partition"),
            models.Index(fields=["project", "name"], name="machine_by_project"),
        ]
        constraints = [
            Unique(
                field="asn", name="asn_is_unique", fields=["asn"], violation_error_code="asn_taken",
                violation_error_message="Another machine already has this AS number.",
            )
        ]  # fmt: skip
        triggers = [pgtrigger.ReadOnly(name="machine_keeps_home", fields=["partition", "project", "primary"])]

    def __str__(self) -> str:
        return self.name

    def clean_fields(self, exclude: Any = None) -> None:
        self.labels = given(self.labels)
        super().clean_fields(exclude)

    def violations(self) -> Iterator[Violation]:
        yield from rules.home(self.primary, self.project_id, self.partition_id)
        before = self.stored
        if isinstance(before, Machine):
            for field in ("partition", "project", "primary"):
                if getattr(before, f"{field}_id") != getattr(self, f"{field}_id"):
                    yield Violation(field, "identity", f"The {field} of a machine is fixed when it is allocated (R4).")

    def lock(self) -> None:
        """Nothing the rules read can change under them: kind and partition are fixed, and sharing is one-way."""
