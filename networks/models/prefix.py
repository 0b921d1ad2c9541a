"""The prefixes of a network."""

from collections.abc import Iterator

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import F, Q

from networks import rules
from networks.addressing import capacity, contains
from networks.fields import CidrField
from networks.models.network import Network
from networks.rules import Violation
from networks.validation import Exclusion, ValidatedModel


class Prefix(ValidatedModel):
    """A part of the address space that belongs to one network."""

    network = models.ForeignKey(Network, models.CASCADE, related_name="prefixes")
    cidr = CidrField()
    # Carved from a super network, so that it may overlap that one's prefix and nothing else.
    child = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["cidr"]
        verbose_name_plural = "prefixes"
        indexes = [models.Index(fields=["child", "cidr"], name="prefix_by_cidr")]
        constraints = [
            Exclusion(
                field="cidr", name=f"{name}_prefixes_do_not_overlap",
                expressions=[(OpClass(F("cidr"), name="inet_ops"), "&&")], condition=Q(child=child),
                violation_error_code="overlap",
                violation_error_message="This prefix overlaps a prefix of this or another network (R13).",
            )
            for name, child in (("child", True), ("top", False))
        ]  # fmt: skip

    def __str__(self) -> str:
        return str(self.cidr)

    def clean_fields(self, exclude: object = None) -> None:
        if not self._lacks_a_relation():
            self.child = self.network.kind == Network.Kind.PRIVATE
        super().clean_fields(exclude)  # type: ignore[arg-type]

    def violations(self) -> Iterator[Violation]:
        if self.cidr is None or isinstance(self.cidr, str):
            return  # its own field already says so
        if self.network.parent_id:
            pools = Prefix.objects.filter(network=self.network.parent_id).values_list("cidr", flat=True)
            yield from rules.prefix_has_home(self.network.kind, self.cidr, list(pools))
        before = self.stored
        if isinstance(before, Prefix) and (before.cidr, before.network_id) != (self.cidr, self.network_id):
            yield Violation("cidr", "identity", "A prefix is not changed; add another one and remove this one.")

    def removal_violations(self) -> Iterator[Violation]:
        if count := self.addresses.count():
            taken = rules.counted(count, "address")
            yield Violation("prefix", "in_use", f"{self.cidr} still has {taken}; free them first (R15).")
        children = Prefix.objects.filter(network__parent=self.network_id).select_related("network")
        if inside := [child.network_id for child in children if contains(self.cidr, child.cidr)]:
            yield Violation("prefix", "in_use", f"{self.cidr} still holds {rules.named(inside)} (R15).")

    def lock(self) -> None:
        if self.network_id:
            Network.objects.select_for_update(no_key=True).filter(pk=self.network_id).first()

    @property
    def capacity(self) -> int:
        """How many hosts fit into it."""
        return capacity(self.cidr)
