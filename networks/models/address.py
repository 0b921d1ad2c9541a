"""Addresses: one IP of a network, reserved for a project, perhaps on a machine."""

from collections.abc import Iterator

from django.db import models
from django.db.models import Q

from networks import rules
from networks.fields import InetField, one_line
from networks.models.network import Network
from networks.models.places import Project
from networks.models.prefix import Prefix
from networks.rules import Violation
from networks.validation import Unique, ValidatedModel


class AddressQuerySet(models.QuerySet["Address"]):
    def in_network(self, network: Network) -> "AddressQuerySet":
        return self.filter(prefix__network=network)


class Address(ValidatedModel):
    """One IP address that is taken. It belongs to a network through its prefix, so the two cannot disagree."""

    class Kind(models.TextChoices):
        EPHEMERAL = "ephemeral"  # picked: goes with its machine (R16)
        STATIC = "static"  # brought: stays reserved for the project (R16)

    address = InetField()
    prefix = models.ForeignKey(Prefix, models.PROTECT, related_name="addresses")
    project = models.ForeignKey(Project, models.PROTECT, related_name="addresses")
    machine = models.ForeignKey("machines.Machine", models.PROTECT, null=True, blank=True, related_name="addresses")
    kind = models.CharField(max_length=9, choices=Kind.choices, default=Kind.EPHEMERAL)
    name = models.CharField(max_length=120, blank=True, validators=[one_line])
    description = models.CharField(max_length=400, blank=True, validators=[one_line])

    objects = AddressQuerySet.as_manager()

    class Meta:
        ordering = ["address"]
        verbose_name_plural = "addresses"
        indexes = [models.Index(fields=["prefix", "address"], name="address_by_prefix")]
        constraints = [
            # Prefixes never overlap (R13), so once per network is once.
            Unique(
                field="address", name="address_is_used_once", fields=["address"], violation_error_code="taken",
                violation_error_message="This address is already taken (R12).",
            ),
            models.CheckConstraint(
                name="address_kind_is_known", condition=Q(kind__in=["ephemeral", "static"]),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return str(self.address)

    @property
    def network(self) -> Network:
        return self.prefix.network

    def violations(self) -> Iterator[Violation]:
        if self.address is None or isinstance(self.address, str):
            return  # its own field already says so
        prefixes = [self.prefix.cidr] if self.address in self.prefix.cidr else self.network.prefixes.values_list("cidr", flat=True)
        outside = [*rules.in_network(self.network, prefixes, self.address)]
        yield from outside or rules.address_fits(self.network, self.prefix.cidr, self.address)
        yield from rules.may_own(self.network, self.project_id)
        if self.machine and self.machine.project_id != self.project_id:
            owners = f"project {self.project_id}, its machine to {self.machine.project_id}"
            yield Violation("machine", "other_project", f"{self.address} belongs to {owners} (R11).")

    def removal_violations(self) -> Iterator[Violation]:
        if self.machine:
            yield Violation("address", "in_use", f"{self.address} is on {self.machine.name}; free that first (R15).")
