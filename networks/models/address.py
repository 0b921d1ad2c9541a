"""Addresses: one IP of a network, reserved for a project, perhaps on a machine."""

from collections.abc import Iterator
from typing import Any, cast

from django.db import models
from django.db.models import Q

from networks import guards, rules
from networks.common.addressing import Cidr
from networks.common.fields import InetField, LabelsField, empty_if_none, one_line
from networks.common.locking import lock_keys
from networks.common.triggers import MACHINE, Recorded
from networks.common.validation import ChoiceCheck, Unique, ValidatedModel
from networks.common.violations import Violation
from networks.models.carried import Carried
from networks.models.network import Network
from networks.models.places import Project
from networks.models.prefix import Prefix

NETWORK = "(SELECT network_id FROM networks_prefix WHERE id = {row}.prefix_id)"


class AddressQuerySet(models.QuerySet["Address"]):
    def within(self, block: Cidr) -> "AddressQuerySet":
        """The addresses of this block, by their order, which is that of the index."""
        return self.filter(address__range=(block[0], block[-1]))


class Address(ValidatedModel):
    """One IP address that is taken.

    It belongs to a network through its prefix, so the two cannot disagree.
    """

    class Kind(models.TextChoices):
        EPHEMERAL = rules.EPHEMERAL  # picked: released with its machine (R16)
        STATIC = rules.STATIC  # named: stays reserved for the project (R16)

    address = InetField()
    prefix = models.ForeignKey(Prefix, models.PROTECT, related_name="addresses")
    project = models.ForeignKey(Project, models.PROTECT, related_name="addresses")
    machine = models.ForeignKey(
        "machines.Machine", models.PROTECT, null=True, blank=True, related_name="addresses"
    )
    kind = models.CharField(max_length=9, choices=Kind.choices, default=Kind.EPHEMERAL)
    name = models.CharField(max_length=120, blank=True, validators=[one_line])
    description = models.CharField(max_length=400, blank=True, validators=[one_line])
    labels = LabelsField(db_default={})

    objects = AddressQuerySet.as_manager()

    prefix_is_locked = False  # set by whoever has locked it: save() need not do so again
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
            ChoiceCheck(name="address_labels_are_an_object", condition=Q(labels__contains={})),
        ]
        triggers = [
            *guards.ADDRESS,
            Recorded(
                key="host(this.address)",
                label="host(this.address)",
                hidden=["id", "prefix"],
                shown_as={"machine": MACHINE, "network": NETWORK},
                about=[
                    "'network:' || " + NETWORK.format(row="this"),
                    "'machine:' || this.machine_id",
                ],
            ),
        ]

    def __str__(self) -> str:
        return str(self.address)

    @property
    def network(self) -> Network:
        return self.prefix.network

    def clean_fields(self, exclude: Any = None) -> None:
        self.labels = empty_if_none(self.labels)
        super().clean_fields(exclude)

    def standing_violations(self) -> Iterator[Violation]:
        if self.address is None or isinstance(self.address, str):
            return  # its own field already says so
        outside: list[Violation] = []
        if self.address not in self.prefix.cidr:
            prefixes = [prefix.cidr for prefix in self.network.prefixes.all()]
            outside += rules.in_network(self.network, prefixes, self.address)
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
            now_on = was.machine.name if was.machine_id == self.machine_id else None
            yield from rules.stays_on_machine(was.address, was.machine.name, now_on)

    def refused_violations(self) -> Iterator[Violation]:
        elsewhere = Carried.objects.filter(address=self.address)
        if self.machine_id is not None:
            elsewhere = elsewhere.exclude(machine=self.machine_id)
        yield from rules.kept_back("address", str(self.address), elsewhere.firewalls())

    def removal_violations(self) -> Iterator[Violation]:
        yield from rules.address_unused(self.address, self.machine.name if self.machine else None)

    def lock(self) -> None:
        """Lock the prefix, which everybody locks before its addresses.

        Whoever allocates in a prefix or releases there waits for the others who do.
        """
        if self.prefix_id and not self.prefix_is_locked:
            lock_keys(Prefix, [self.prefix_id])

    def release(self) -> None:
        """Take it off its machine, which is freed or leaves the network (R16).

        An address that was picked is free again; one that was named stays reserved.
        """
        self.machine = None
        self._released = True
        self.save()
        self._released = False
        if self.kind == self.Kind.EPHEMERAL:
            self.delete()
