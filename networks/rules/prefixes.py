"""Prefixes: where they may lie (R13)."""

from collections.abc import Collection, Iterator

from networks.common.addressing import Cidr, contains
from networks.common.violations import Violation, counted
from networks.rules.values import FAMILIES, PRIVATE


def inside_super_network(kind: str, cidr: Cidr, pool: Collection[Cidr]) -> Iterator[Violation]:
    """R13: the prefixes of a private network lie inside those of its super network, the pool."""
    if kind == PRIVATE and not any(contains(outer, cidr) for outer in pool):
        where = ", ".join(map(str, pool)) or "none"
        yield Violation(
            "cidr",
            "outside_super",
            f"{cidr} lies outside the super network's prefixes ({where}) (R13).",
        )


def keeps_prefix(before: Cidr, after: Cidr, moved: bool) -> Iterator[Violation]:
    """R13: what lies in a prefix relies on it; `moved`: it shall belong to another network."""
    if moved or before != after:
        yield Violation(
            "cidr",
            "identity",
            "A prefix is not changed; add another one and remove this one (R13).",
        )


def no_room(
    pool: str,
    family: int,
    length: int,
    prefixes: Collection[Cidr],
    *,
    taken: int,
    largest: int | None,
) -> Violation:
    """R13: no child prefix of that length is free in the super network.

    Says how many are taken, and the length of the largest one that is still to be had.
    """
    where = ", ".join(map(str, prefixes)) or f"no {FAMILIES[family]} prefix"
    left = "nothing is free" if largest is None else f"the largest free one is a /{largest}"
    return Violation(
        "prefix_length",
        "exhausted",
        f"{pool} ({where}) has no free /{length} left: "
        f"{counted(taken, 'child prefix')} taken, {left} (R13).",
    )
