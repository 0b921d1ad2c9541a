"""What a network is, where it belongs, and what of it never changes (R1, R2, R7, R13, R14)."""

from collections.abc import Collection, Iterator, Mapping

from networks.common.addressing import Cidr
from networks.common.violations import Violation, counted, some
from networks.rules.values import FAMILIES, PRIVATE, SUPER, Net, Stored


def child_of(net: Net, parent: Net | None) -> Iterator[Violation]:
    """R1, R2: a private network is carved from the super network of its partition."""
    if net.kind != PRIVATE or parent is None:
        return
    if parent.kind != SUPER:
        yield Violation(
            "parent",
            "parent_not_super",
            f"{parent.id} is no super network; a private network is carved from one (R1).",
        )
    elif parent.partition_id != net.partition_id:
        yield Violation(
            "parent",
            "other_partition",
            f"{parent.id} is the super network of another partition (R2).",
        )


def keeps_identity(before: Stored, after: Stored) -> Iterator[Violation]:
    """R1, R2, R14: what firewalls and addresses rely on is fixed when the network is made."""
    fixed = (
        ("kind", "kind", "R1"),
        ("partition_id", "partition", "R2"),
        ("parent_id", "parent", "R1"),
        ("vrf", "vrf", "R14"),
    )
    for attribute, field, rule in fixed:
        if getattr(before, attribute) != getattr(after, attribute):
            reason = f"The {field} of a network is fixed when it is made ({rule})."
            yield Violation(field, "identity", reason)


def keeps_project(
    before: Net, after: Net, addresses: int, examples: Collection[str]
) -> Iterator[Violation]:
    """R7: whoever has addresses in the network relies on its project."""
    if before.project_id != after.project_id and addresses:
        yield Violation(
            "project",
            "project_in_use",
            f"The project of {after.id} cannot change "
            f"while {counted(addresses, 'address')} of it are in use "
            f"({some(examples, addresses)}) (R7).",
        )


def child_lengths(lengths: object) -> Iterator[Violation]:
    """R13: the lengths of prefixes carved from a super network, by family: {"4": 22, "6": 64}."""
    longest = {"4": 32, "6": 128}
    valid = isinstance(lengths, dict) and all(
        family in longest and type(length) is int and 0 < length <= longest[family]
        for family, length in lengths.items()
    )
    if not valid:
        yield Violation(
            "default_child_prefix_length",
            "invalid_lengths",
            'Child prefix lengths are an object such as {"4": 22, "6": 64} (R13).',
        )


def lengths_fit(
    pool: Net, lengths: Mapping[int, int], prefixes: Collection[Cidr]
) -> Iterator[Violation]:
    """R13: a child prefix fits into a prefix of its super network, where that has such a family."""
    for family, length in sorted(lengths.items()):
        own = [prefix for prefix in prefixes if prefix.version == family]
        if own and all(prefix.prefixlen > length for prefix in own):
            where = ", ".join(map(str, own))
            yield Violation(
                "default_child_prefix_length",
                "too_short",
                f"A /{length} fits into no {FAMILIES[family]} prefix of {pool.id} ({where}) (R13).",
            )
