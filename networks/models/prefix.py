"""Prefixes: the address space of networks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from uuid import UUID

from django.contrib.postgres.indexes import OpClass
from django.db import models, transaction
from django.db.models import F, Q

from networks import guards, rules
from networks.common.addressing import IP, capacity, contains
from networks.common.fields import CidrField
from networks.common.locking import lock
from networks.common.triggers import Recorded
from networks.common.validation import Exclusion, ValidatedModel, refuse
from networks.common.violations import MOST_EXAMPLES, Violation, some
from networks.models.network import Network, examples
from networks.pools import next_addresses

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from networks.models.address import Address


class Plan(NamedTuple):
    """Which machines get which addresses of a prefix that is new where machines are already.

    `wanted`: by machine; all others get the lowest ones that are not `avoided`.
    """

    wanted: Mapping[UUID, IP] = {}
    avoided: frozenset[IP] = frozenset()


class Prefix(ValidatedModel):
    """A part of the address space that belongs to one network."""

    network = models.ForeignKey(Network, models.CASCADE, related_name="prefixes")
    cidr = CidrField()
    # Carved from a super network, so that it may overlap that one's prefix and nothing else.
    child = models.BooleanField(default=False, editable=False)

    # Its network was made in this transaction: nobody else knows it, and nobody lives in it yet.
    of_new_network = False
    plan = Plan()
    is_carved = False  # was picked in the super network just now, whose prefixes are locked

    if TYPE_CHECKING:
        addresses: "RelatedManager[Address]"

    class Meta:
        ordering = ["cidr"]
        verbose_name_plural = "prefixes"
        indexes = [models.Index(fields=["child", "cidr"], name="prefix_by_cidr")]
        constraints = [
            Exclusion(
                field="cidr",
                name=f"{name}_prefixes_do_not_overlap",
                expressions=[(OpClass(F("cidr"), name="inet_ops"), "&&")],
                condition=Q(child=child),
                violation_error_code="overlap",
                violation_error_message="This prefix overlaps a prefix "
                "of this or another network (R13).",
            )
            for name, child in (("child", True), ("top", False))
        ]
        triggers = [
            *guards.PREFIX,
            Recorded(
                key="this.cidr::text",
                label="this.cidr::text",
                about=["'network:' || this.network_id"],
                hidden=["id", "child"],
            ),
        ]

    def __str__(self) -> str:
        return str(self.cidr)

    def clean_fields(self, exclude: object = None) -> None:
        if not self._lacks_a_relation():
            self.child = self.network.kind == Network.Kind.PRIVATE
        super().clean_fields(exclude)

    def standing_violations(self) -> Iterator[Violation]:
        if self.cidr is None or isinstance(self.cidr, str):
            return  # its own field already says so
        if self.network.parent and not self.is_carved:
            pool = [prefix.cidr for prefix in self.network.parent.prefixes.all()]
            yield from rules.inside_super_network(self.network.kind, self.cidr, pool)
        # Those of a new network are judged together, by whoever makes it.
        is_more = self._state.adding and not self.of_new_network
        if self.network.kind == Network.Kind.SUPER and is_more:
            cidrs = [self.cidr, *(prefix.cidr for prefix in self.network.prefixes.all())]
            for violation in rules.lengths_fit(self.network, self.network.child_lengths, cidrs):
                yield violation._replace(field="cidr")

    def change_violations(self, before: models.Model) -> Iterator[Violation]:
        was = cast(Prefix, before)
        yield from rules.keeps_prefix(was.cidr, self.cidr, was.network_id != self.network_id)

    def in_the_way(self, constraint: str) -> str:
        alike = Prefix.objects.filter(child=self.child).exclude(pk=self.pk)
        others = alike.filter(cidr__net_overlaps=self.cidr).order_by("cidr")
        names = [f"{one.cidr} of {one.network_id}" for one in others[:MOST_EXAMPLES]]
        return f"{self.cidr} overlaps {some(names, others.count())} (R13)." if names else ""

    def removal_violations(self) -> Iterator[Violation]:
        children = Prefix.objects.filter(network__parent=self.network_id)
        inside = [child.network_id for child in children if contains(self.cidr, child.cidr)]
        rows = self.addresses.all()
        yield from rules.prefix_unused(self.cidr, rows.count(), examples(rows), inside)

    def lock(self) -> None:
        if self.of_new_network:
            return
        for network in lock(Network, [self.network_id]):
            network.lock_pool()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the prefix. With a new address family, every machine here gets an address (R10)."""
        if self.of_new_network:
            super().save(*args, **kwargs)
            return
        with transaction.atomic():
            new = self._state.adding
            super().save(*args, **kwargs)
            if new:
                self._allocate_to_machines()

    def _allocate_to_machines(self) -> None:
        """Allocate an address to each machine in the network that has none of this family."""
        model = self.addresses.model
        on_machines = model.objects.filter(prefix__network=self.network_id, machine__isnull=False)
        have_one = on_machines.filter(address__family=self.cidr.version).values("machine")
        have_none = on_machines.exclude(machine__in=have_one)
        one_of_each = have_none.order_by("machine_id").distinct("machine_id")
        owners = list(one_of_each.values_list("machine_id", "project_id"))
        # All at once, and not each judged by itself: that they are free addresses of this prefix,
        # for the owners of others of this network, is so by how they are made; guards hold it too.
        addresses = self._addresses_for([machine for machine, _ in owners])
        model.objects.bulk_create(
            model(address=ip, prefix=self, project_id=project, machine_id=machine)
            for ip, (machine, project) in zip(addresses, owners, strict=True)
        )

    def _addresses_for(self, machines: Sequence[UUID]) -> list[IP]:
        """Of each the one that is planned, or else the lowest free one."""
        planned = [self.plan.wanted.get(machine) for machine in machines]
        number = planned.count(None)
        lowest = next_addresses(self.pk, self.cidr, number + len(self.plan.avoided))
        free = [ip for ip in lowest if ip not in self.plan.avoided][:number]
        if len(free) < number:
            family = self.cidr.version
            refuse(rules.exhausted("cidr", self.network_id, family, len(free), self.capacity))
        picked = iter(free)
        return [ip or next(picked) for ip in planned]

    @property
    def capacity(self) -> int:
        """How many hosts fit into it."""
        return capacity(self.cidr)
