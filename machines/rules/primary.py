"""The one network that a machine or firewall lives in: its primary network (R2, R4, R5, R7)."""

from collections.abc import Iterator, Mapping, Sequence

from machines.rules.requests import Wanted
from networks.common.violations import Violation, named, with_article
from networks.rules import PRIVATE, Net


def primary_is_own(
    net: Net, project: str, partition: str, field: str = "primary"
) -> Iterator[Violation]:
    """R2, R5, R7: the primary network is private, of the same project and partition."""
    if net.kind != PRIVATE:
        yield Violation(
            field,
            "primary_not_private",
            f"{net.id} is {with_article(net.kind)} network; the primary network is private (R5).",
        )
        return
    yield from in_partition(net, partition, field)
    if net.project_id != project:
        yield Violation(
            field,
            "other_project",
            f"{net.id} belongs to project {net.project_id}; "
            "the primary network is of the own project (R7).",
        )


def in_partition(net: Net, partition: str, field: str) -> Iterator[Violation]:
    """R2: networks of a partition are used by its own machines and firewalls only."""
    if net.partition_id not in (None, partition):
        yield Violation(
            field,
            "other_partition",
            f"{net.id} is in partition {net.partition_id} "
            f"and is used only there, not in {partition} (R2).",
        )


def keeps_identity(
    before: Mapping[str, object], after: Mapping[str, object]
) -> Iterator[Violation]:
    """R4: a machine stays where it was allocated.

    Both map partition, project and primary to ids.
    """
    for field, value in after.items():
        if before[field] != value:
            yield Violation(
                field, "identity", f"The {field} of a machine is fixed when it is allocated (R4)."
            )


def primary_of(wanted: Sequence[Wanted], project: str) -> tuple[Net | None, list[Violation]]:
    """R5, R7: which of the networks a firewall lives in, or why none is.

    That is the private network that is not shared. Among shared ones only, it is the one that is
    marked as primary, or else the only one of the own project.
    """
    private = [want for want in wanted if want.net.kind == PRIVATE]
    unshared = [want.net for want in private if not want.net.shared]
    marked = [want.net for want in private if want.primary]
    own = [want.net for want in private if want.net.project_id == project]
    candidates = unshared or marked or own
    if len(candidates) == 1:
        return candidates[0], []
    names = named(net.id for net in candidates)
    if unshared:
        reason = f"{names} are private and not shared; a firewall has one of these at most (R5)."
        return None, [Violation("networks", "second_unshared", reason)]
    if candidates:
        reason = f"{names} could each be the primary network; mark one with primary: true (R5)."
        return None, [Violation("networks", "ambiguous_primary", reason)]
    reason = (
        f"None of the networks is a private one of project {project}; "
        "its primary network must be (R7)."
    )
    return None, [Violation("networks", "no_primary", reason)]
