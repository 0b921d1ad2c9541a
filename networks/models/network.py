"""Networks: the pool, what is carved from it, what is shared, and what lies outside."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from networks import guards, rules
from networks.common.addressing import parse_cidr
from networks.common.audit import operation
from networks.common.fields import CidrField, IdentifierField, given, one_line, short_labels
from networks.common.triggers import Recorded
from networks.common.validation import Check, Unique, ValidatedModel, enforce
from networks.common.violations import Violation
from networks.models.places import Partition, Project

MAX_VNI = 2**24 - 1  # RFC 7348: a VXLAN network identifier has 24 bits
MAX_DIGITS = len(str(MAX_VNI))


class NetworkQuerySet(models.QuerySet["Network"]):
    def private(self) -> "NetworkQuerySet":
        return self.filter(kind=Network.Kind.PRIVATE)

    def shared(self) -> "NetworkQuerySet":
        return self.filter(shared=True)

    def matching(self, text: str) -> "NetworkQuerySet":
        """Networks whose id, name, VRF or prefix is meant by what somebody typed."""
        found = Q(id__icontains=text) | Q(name__icontains=text)
        if text.isdecimal() and len(text) <= MAX_DIGITS:
            found |= Q(vrf=int(text))
        with suppress(ValueError):
            found |= Q(prefixes__cidr__net_contains_or_equals=parse_cidr(text))
        return self.filter(found).distinct()

    def of_partition(self, partition: str) -> "NetworkQuerySet":
        """The partition's own networks and the external ones that serve every partition."""
        return self.filter(Q(partition=partition) | Q(partition=None))


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
    destination_prefixes = ArrayField(CidrField(), default=list, blank=True)
    default_child_prefix_length = models.JSONField(default=dict, blank=True)
    nat = models.BooleanField(default=False)
    labels = models.JSONField(default=dict, blank=True, validators=[short_labels])
    shared = models.BooleanField(default=False)
    shared_at = models.DateTimeField(null=True, blank=True, editable=False)
    shared_by = models.CharField(max_length=150, blank=True, editable=False)
    shared_reason = models.CharField(max_length=400, blank=True, validators=[one_line])

    objects = NetworkQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        permissions = [("share_network", "Can mark networks as shared")]
        indexes = [
            models.Index(fields=["partition", "kind", "id"], name="network_by_partition_kind"),
            models.Index(fields=["id"], condition=Q(shared=True), name="network_shared"),
        ]
        constraints = [
            Check(
                field="shared",
                name="shared_is_private",
                condition=Q(shared=False) | Q(kind="private"),
                violation_error_code="not_private",
                violation_error_message="Only a private network can be shared (R1).",
            ),
            Check(
                field="shared",
                name="shared_knows_since_when",
                condition=Q(shared=False, shared_at=None) | Q(shared=True, shared_at__isnull=False),
                violation_error_code="unknown_since",
                violation_error_message="A shared network knows since when it is shared (R3).",
            ),
            Check(
                field="partition",
                name="partition_where_bound",
                condition=Q(kind="external") | Q(partition__isnull=False),
                violation_error_code="no_partition",
                violation_error_message="A private, super or underlay network belongs to exactly one partition (R2).",
            ),
            Check(
                field="parent",
                name="parent_iff_private",
                condition=Q(kind="private", parent__isnull=False)
                | (~Q(kind="private") & Q(parent=None)),
                violation_error_code="parent_mismatch",
                violation_error_message="A private network, and only a private one, is the child of a super network (R1).",
            ),
            Check(
                field="project",
                name="project_where_owned",
                condition=Q(kind="external")
                | Q(kind="private", project__isnull=False)
                | Q(kind__in=["super", "underlay"], project=None),
                violation_error_code="project_mismatch",
                violation_error_message="A private network belongs to a project; a super or underlay network to none (R7).",
            ),
            Check(
                field="vrf",
                name="vrf_where_routed",
                condition=Q(kind__in=["private", "external"], vrf__isnull=False)
                | Q(kind__in=["super", "underlay"], vrf=None),
                violation_error_code="vrf_mismatch",
                violation_error_message="A private or external network has a VRF id; a super or underlay network has none (R14).",
            ),
            Unique(
                field="vrf",
                name="vrf_is_unique",
                fields=["vrf"],
                violation_error_code="vrf_taken",
                violation_error_message="Another network already has this VRF id (R14).",
            ),
            Unique(
                field="kind",
                name="one_super_per_partition",
                fields=["partition"],
                condition=Q(kind="super"),
                violation_error_code="second_super",
                violation_error_message="This partition already has a super network (R8).",
            ),
            Unique(
                field="kind",
                name="one_underlay_per_partition",
                fields=["partition"],
                condition=Q(kind="underlay"),
                violation_error_code="second_underlay",
                violation_error_message="This partition already has an underlay network (R8).",
            ),
        ]
        triggers = [*guards.NETWORK, Recorded(label="this.id")]

    def __str__(self) -> str:
        return self.id

    def clean_fields(self, exclude: Any = None) -> None:
        if self.shared and self.shared_at is None:
            self.shared_at = timezone.now()
        self.name = self.name or self.id
        self.labels, self.default_child_prefix_length = (
            given(self.labels),
            given(self.default_child_prefix_length),
        )
        super().clean_fields(exclude)

    def standing_violations(self) -> Iterator[Violation]:
        yield from rules.child_of(self, self.parent)
        yield from rules.child_lengths(self.default_child_prefix_length)

    def change_violations(self, before: models.Model) -> Iterator[Violation]:
        was = cast(Network, before)
        yield from rules.stays_shared(was, self)
        yield from rules.sharing_is_kept(was, self)
        yield from rules.keeps_identity(was, self)
        yield from rules.keeps_project(
            was, self, self.address_count() if was.project_id != self.project_id else 0
        )

    def removal_violations(self) -> Iterator[Violation]:
        yield from rules.network_unused(
            self.id, self.address_count(), list(self.children.values_list("id", flat=True))
        )

    def lock(self) -> None:
        if self._state.adding:
            return
        locked = (
            Network.objects.select_for_update(no_key=True)
            .filter(pk=self.pk)
            .values_list("project_id")
            .first()
        )
        if locked and locked != (
            self.project_id,
        ):  # whoever takes an address relies on the project, and locks the prefix only
            list(self.prefixes.select_for_update(no_key=True).order_by("pk").values_list("pk"))

    def lock_pool(self) -> None:
        """Lock the prefixes it is carved from, all of them in the one order, so that nobody waits for each other in a circle."""
        if self.parent:
            list(
                self.parent.prefixes.select_for_update(no_key=True).order_by("pk").values_list("pk")
            )

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            self.lock()
            self.lock_pool()  # its prefixes go back there, in whatever order
            return super().delete(*args, **kwargs)

    def address_count(self) -> int:
        """How many addresses of this network exist, of whatever project."""
        counts: dict[str, int] = self.prefixes.aggregate(count=models.Count("addresses"))
        return counts["count"]

    def share(self, by: str, reason: str = "") -> None:
        """Mark the network as shared, for good; who, when and why stay with it (R3). Sharing again changes nothing."""
        with operation(f"{self.pk} was shared", reason), transaction.atomic():
            fresh = Network.objects.select_for_update(no_key=True).filter(pk=self.pk).first()
            if fresh is None:
                enforce([Violation("shared", "gone", f"{self.pk} was removed meanwhile.")])
            elif not fresh.shared:
                fresh.shared, fresh.shared_at, fresh.shared_by, fresh.shared_reason = (
                    True,
                    timezone.now(),
                    by,
                    reason,
                )
                fresh.save()
        self.refresh_from_db()

    @property
    def prefixes_text(self) -> str:
        return ", ".join(str(prefix.cidr) for prefix in self.prefixes.all())
