"""Networks of every kind: super, private, external and underlay."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from networks import constraints, guards, rules
from networks.common import finding
from networks.common.audit import operation
from networks.common.fields import (
    CidrField,
    IdentifierField,
    LabelsField,
    empty_if_none,
    one_line,
)
from networks.common.limits import MOST_CIDRS, AtMost
from networks.common.locking import Strength, lock, lock_keys
from networks.common.triggers import Recorded
from networks.common.validation import ValidatedModel, refuse
from networks.common.violations import MOST_EXAMPLES, Violation, with_article
from networks.models.carried import Carried
from networks.models.places import Partition, Project

if TYPE_CHECKING:
    from networks.models.address import Address
    from networks.models.prefix import Prefix

MAX_VNI = 2**24 - 1  # RFC 7348: a VXLAN network identifier has 24 bits


def examples(addresses: "models.QuerySet[Address]") -> list[str]:
    """Some of these addresses, each with its machine, to be named in a sentence."""
    rows = addresses.select_related("machine").order_by("address")[:MOST_EXAMPLES]
    return [f"{row} of {row.machine}" if row.machine else str(row) for row in rows]


class NetworkQuerySet(models.QuerySet["Network"]):
    def shared(self) -> "NetworkQuerySet":
        return self.filter(shared=True)

    def matching(self, text: str) -> "NetworkQuerySet":
        """Networks whose id, name, VRF or prefixes are meant by what somebody typed."""
        condition = finding.words(text, ("id", "name"), ("partition__id", "project__id"))
        if (number := finding.number(text)) is not None:
            condition |= Q(vrf=number)
        if block := finding.block(text):
            prefixes = apps.get_model("networks", "Prefix")._default_manager
            inside = prefixes.filter(cidr__net_overlaps=block)
            condition |= Q(pk__in=inside.order_by().values("network"))
        return self.filter(condition)


class Network(ValidatedModel):
    """A routed address space with one VRF."""

    class Kind(models.TextChoices):
        SUPER = rules.SUPER
        PRIVATE = rules.PRIVATE
        EXTERNAL = rules.EXTERNAL
        UNDERLAY = rules.UNDERLAY

    id = IdentifierField()
    name = models.CharField(max_length=120, blank=True, validators=[one_line])
    description = models.CharField(max_length=400, blank=True, validators=[one_line])
    kind = models.CharField(max_length=8, choices=Kind.choices)
    partition = models.ForeignKey(
        Partition, models.PROTECT, null=True, blank=True, related_name="networks"
    )
    project = models.ForeignKey(
        Project, models.PROTECT, null=True, blank=True, related_name="networks"
    )
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children"
    )
    vrf = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_VNI)],
        help_text="VRF id, equal to the VXLAN network identifier.",
    )
    destination_prefixes = ArrayField(
        CidrField(), default=list, blank=True, validators=[AtMost(MOST_CIDRS)]
    )
    default_child_prefix_length = models.JSONField(default=dict, blank=True)
    nat = models.BooleanField(default=False)
    labels = LabelsField()
    shared = models.BooleanField(default=False)
    shared_at = models.DateTimeField(null=True, blank=True, editable=False)
    shared_by = models.CharField(max_length=150, blank=True, editable=False)
    shared_reason = models.CharField(max_length=400, blank=True, validators=[one_line])

    objects = NetworkQuerySet.as_manager()
    # Set by whoever has just made it, so that what is answered reads none of them again.
    made_prefixes: "list[Prefix] | None" = None

    class Meta:
        ordering = ["id"]
        permissions = [("share_network", "Can mark networks as shared")]
        indexes = [
            models.Index(fields=["partition", "kind", "id"], name="network_by_partition_kind"),
            models.Index(fields=["id"], condition=Q(shared=True), name="network_shared"),
        ]
        constraints = constraints.NETWORK
        triggers = [*guards.NETWORK, Recorded(label="this.id")]

    def __str__(self) -> str:
        return self.id

    def clean_fields(self, exclude: Any = None) -> None:
        if self.shared and self.shared_at is None:
            self.shared_at = timezone.now()
        self.name = self.name or self.id
        self.labels = empty_if_none(self.labels)
        self.default_child_prefix_length = empty_if_none(self.default_child_prefix_length)
        super().clean_fields(exclude)

    def standing_violations(self) -> Iterator[Violation]:
        yield from rules.child_of(self, self.parent)
        wrong = [*rules.child_lengths(self.default_child_prefix_length)]
        yield from wrong
        if self.kind == Network.Kind.SUPER and not wrong and not self._state.adding:
            cidrs = [prefix.cidr for prefix in self.prefixes.all()]
            yield from rules.lengths_fit(self, self.child_lengths, cidrs)

    def change_violations(self, before: models.Model) -> Iterator[Violation]:
        was = cast(Network, before)
        yield from rules.stays_shared(was, self)
        yield from rules.sharing_is_kept(was, self)
        yield from rules.keeps_identity(was, self)
        if was.project_id != self.project_id:
            rows = examples(self._addresses())
            yield from rules.keeps_project(was, self, self.address_count(), rows)

    def refused_violations(self) -> Iterator[Violation]:
        if self._state.adding and self.vrf is not None:
            carried = Carried.objects.filter(vrf=self.vrf)
            yield from rules.kept_back("vrf", f"VRF id {self.vrf}", carried.firewalls())

    def in_the_way(self, constraint: str) -> str:
        others = Network.objects.exclude(pk=self.pk)
        if constraint == "vrf_is_unique":
            other = others.filter(vrf=self.vrf).first()
            return f"{other} already has VRF id {self.vrf} (R14)." if other else ""
        other = others.filter(partition=self.partition_id, kind=self.kind).first()
        if other is None or constraint not in constraints.ONE_PER_PARTITION:
            return ""
        kind = with_article(self.kind)
        return f"Partition {self.partition_id} already has {kind} network, {other} (R8)."

    def removal_violations(self) -> Iterator[Violation]:
        children = list(self.children.values_list("id", flat=True))
        rows = examples(self._addresses())
        yield from rules.network_unused(self.id, self.address_count(), rows, children)

    def lock(self) -> None:
        if self._state.adding:
            return
        for row in lock(Network, [self.pk]):
            if row.project_id != self.project_id:
                # Whoever allocates an address relies on that, and locks nothing but the prefix.
                lock_keys(self.prefixes.model, [self.pk], by="network")

    def lock_pool(self) -> None:
        """Lock the prefixes that this network is carved from."""
        if self.parent_id:
            lock_keys(self.prefixes.model, [self.parent_id], by="network")

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            # Whoever carves a network of it refers to it before taking of its prefixes.
            lock_keys(Network, [self.pk], strength=Strength.REMOVE)
            self.lock_pool()  # its prefixes are released there, in whatever order
            lock_keys(self.prefixes.model, [self.pk], by="network")
            return super().delete(*args, **kwargs)

    def address_count(self) -> int:
        """How many addresses of this network exist, of whatever project."""
        counts: dict[str, int] = self.prefixes.aggregate(count=models.Count("addresses"))
        return counts["count"]

    def _addresses(self) -> "models.QuerySet[Address]":
        addresses: Any = apps.get_model("networks", "Address")
        rows: models.QuerySet[Address] = addresses.objects.filter(prefix__network=self.pk)
        return rows

    @property
    def child_lengths(self) -> dict[int, int]:
        """How long prefixes are that are carved from it, by family, where nobody says it."""
        return {int(family): size for family, size in self.default_child_prefix_length.items()}

    def share(self, by: str, reason: str = "") -> None:
        """Share the network, for good; who, when and why stay with it (R3).

        Sharing it again changes nothing.
        """
        with operation(f"{self.pk} was shared", reason), transaction.atomic():
            rows = lock(Network, [self.pk])
            if not rows:
                refuse(Violation("shared", "gone", f"{self.pk} was removed meanwhile."))
            if not (row := rows[0]).shared:
                row.shared = True
                row.shared_at = timezone.now()
                row.shared_by = by
                row.shared_reason = reason
                row.save()
        self.refresh_from_db()

    def all_prefixes(self) -> "list[Prefix]":
        """Its prefixes in order of address."""
        return list(self.prefixes.all()) if self.made_prefixes is None else self.made_prefixes

    @property
    def prefixes_text(self) -> str:
        return ", ".join(str(prefix.cidr) for prefix in self.prefixes.all())
