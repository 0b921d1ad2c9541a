"""Machines: each lives in exactly one network."""

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from machines import guards, rules
from networks.common import finding
from networks.common.fields import LabelsField, empty_if_none, host, hostname
from networks.common.locking import Strength, lock_keys
from networks.common.triggers import Recorded
from networks.common.validation import ChoiceCheck, Unique, ValidatedModel, refuse
from networks.common.violations import Violation
from networks.models import Address, Carried, Network, Partition, Project
from networks.rules import kept_back

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

MAX_PORT = 2**16 - 1


class MachineQuerySet(models.QuerySet["Machine"]):
    def producers(self) -> "MachineQuerySet":
        """Machines that live in a shared network: they serve the others."""
        return self.filter(primary__shared=True, firewall=None)

    def plain(self) -> "MachineQuerySet":
        """Machines that are no firewalls."""
        return self.filter(firewall=None)

    def matching(self, text: str) -> "MachineQuerySet":
        """Machines whose name, addresses, id or AS number are meant by what somebody typed."""
        condition = finding.words(text, ("name",), ("partition__id", "project__id"))
        if (number := finding.number(text)) is not None:
            condition |= models.Q(asn=number)
        if ids := finding.ids(text):
            condition |= models.Q(pk__range=ids)
        if block := finding.block(text):
            condition |= models.Q(pk__in=Address.objects.within(block).values("machine"))
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


class HttpProxy(ValidatedModel):
    """Where the machines of a network reach an HTTP proxy, as an operator has named it.

    They use it where no firewall of their own leads outside.
    """

    network = models.OneToOneField(
        Network,
        models.CASCADE,
        related_name="http_proxy",
        help_text="A private one, whose machines use it.",
    )
    host = models.CharField(
        max_length=253,
        validators=[host],
        help_text="An address or a name that they reach by tcp.",
    )
    port = models.PositiveIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MAX_PORT)]
    )

    class Meta:
        verbose_name = "HTTP proxy"
        verbose_name_plural = "HTTP proxies"
        ordering = ["network"]
        constraints = [
            ChoiceCheck(
                name="http_proxy_port_is_a_port", condition=models.Q(port__range=(1, MAX_PORT))
            )
        ]
        triggers = [
            *guards.HTTP_PROXY,
            Recorded(
                kind="http-proxy",
                label="this.network_id",
                about=["'network:' || this.network_id"],
                hidden=["id"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.host}:{self.port} of {self.network_id}"

    def clean(self) -> None:
        super().clean()
        if self.network.kind != Network.Kind.PRIVATE:
            reason = (
                f"{self.network_id} is {self.network.get_kind_display()}: no machine lives in it;"
                " name the proxy for the private network whose machines use it."
            )
            refuse(Violation("network", "not_private", reason))

    def lock(self) -> None:
        """Its network is neither changed nor removed meanwhile."""
        if self.network_id is not None:
            lock_keys(Network, [self.network_id], strength=Strength.SHARE)
