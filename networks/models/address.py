"""Addresses: one IP of a network, reserved for a project, perhaps on a machine."""

from collections.abc import Iterator
from typing import cast

from django.db import models
from django.db.models import Q

from networks import guards, rules
from networks.common.fields import InetField, one_line
from networks.common.triggers import MACHINE, Recorded
from networks.common.validation import ChoiceCheck, Unique, ValidatedModel
from networks.common.violations import Violation
from networks.models.network import Network
from networks.models.places import Project
from networks.models.prefix import Prefix


class AddressQuerySet(models.QuerySet["Address"]):
    def in_network(self, network: Network) -> "AddressQuerySet":
        return self.filter(prefix__network=network)


class Address(ValidatedModel):
    """One IP address that is taken. It belongs to a network through its prefix, so the two cannot disagree."""

    class Kind(models.TextChoices):
        EPHEMERAL = rules.EPHEMERAL  # picked: goes with its machine (R16)
        STATIC = rules.STATIC  # brought: stays reserved for the project (R16)

    address = InetField()
    prefix = models.ForeignKey(Prefix, models.PROTECT, related_name="addresses")
    project = models.ForeignKey(Project, models.PROTECT, related_name="addresses")
    machine = models.ForeignKey(
        "machines.Machine", models.PROTECT, null=True, blank=True, related_name="addresses"
    )
    kind = models.CharField(max_length=9, choices=Kind.choices, default=Kind.EPHEMERAL)
    name = models.CharField(max_length=120, blank=True, validators=[one_line])
    description = models.CharField(max_length=400, blank=True, validators=[one_line])

    objects = AddressQuerySet.as_manager()
    prefix_is_locked = False  # whoever locked the prefix already need not do so again
    _released = False

    class Meta:
        ordering = ["address"]
        verbose_name_plural = "addresses"
        indexes = [models.Index(fields=["prefix", "address"], name="address_by_prefix")]
        constraints = [
            # Prefixes never overlap (R13), so once per network is once.
            Unique(
                field="address",
                name="address_is_used_once",
                fields=["address"],
                violation_error_code="taken",
                violation_error_message="This address is already taken (R12).",
            ),
            ChoiceCheck(
                name="address_kind_is_known", condition=Q(kind__in=["ephemeral", "static"])
            ),
        ]
        triggers = [
            *guards.ADDRESS,
            Recorded(
                key="host(this.address)",
                label="host(this.address)",
                hidden=["id", "prefix"],
                shown_as={
                    "machine": MACHINE,
                    "network": "(SELECT network_id FROM networks_prefix WHERE id = {row}.prefix_id)",
                },
                about=[
                    "'network:' || (SELECT network_id FROM networks_prefix WHERE id = this.prefix_id)",
                    "'machine:' || COALESCE(this.machine_id, OLD.machine_id)",
                ],
            ),
        ]

    def __str__(self) -> str:
        return str(self.address)

    @property
    def network(self) -> Network:
        return self.prefix.network

    def standing_violations(self) -> Iterator[Violation]:
        if self.address is None or isinstance(self.address, str):
            return  # its own field already says so
        prefixes = (
            [self.prefix.cidr]
            if self.address in self.prefix.cidr
            else [own.cidr for own in self.network.prefixes.all()]
        )
        outside = [*rules.in_network(self.network, prefixes, self.address)]
        yield from outside or rules.address_fits(self.network, self.prefix.cidr, self.address)
        yield from rules.may_own(self.network, self.project_id)
        if self.machine:
            yield from rules.same_project(self.address, self.project_id, self.machine.project_id)
            yield from rules.machine_is_in_network(
                self.network, self.machine.name, self.machine.lives_in(self.prefix.network_id)
            )

    def change_violations(self, before: models.Model) -> Iterator[Violation]:
        was = cast("Address", before)
        yield from rules.keeps_address(was.address, self.address, was.prefix_id != self.prefix_id)
        if was.machine and not self._released:
            same = was.machine_id == self.machine_id
            yield from rules.stays_on_machine(
                was.address, was.machine.name, was.machine.name if same else None
            )

    def removal_violations(self) -> Iterator[Violation]:
        yield from rules.address_unused(self.address, self.machine.name if self.machine else None)

    def lock(self) -> None:
        """Whoever takes an address of a prefix, or gives one back, waits for the others who do; the prefix comes before its addresses."""
        if self.prefix_id and not self.prefix_is_locked:
            Prefix.objects.select_for_update(no_key=True).filter(
                pk=self.prefix_id
            ).order_by().values_list("pk").first()

    def release(self) -> None:
        """Take it off its machine, which is freed or leaves the network: picked, it is free again; brought, it stays reserved (R16)."""
        self.machine, self._released = None, True
        self.save()
        self._released = False
        if self.kind == self.Kind.EPHEMERAL:
            self.delete()
