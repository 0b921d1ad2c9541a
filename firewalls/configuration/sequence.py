"""Which of the firewalls of one network is pushed to first, so that no flow is lost on the way.

Each draws only what it passes on, once it knows of its siblings what they are about to join. So who
joins is pushed to before them, and who leaves, after them; who comes anew, after all.
"""

from collections.abc import Collection
from enum import IntEnum


class Rank(IntEnum):
    """Those of an earlier one are pushed to first; those of the same, together."""

    FIRST = 0
    BETWEEN = 1
    LAST = 2
    NEW = 3


def rank(before: Collection[int] | None, after: Collection[int], *, all_same: bool) -> Rank:
    """Of a firewall that has these networks in its configuration, and gets those, by VRF id.

    `before`: None where it has no configuration yet. `all_same`: all of its siblings have the same
    then. One that joins and leaves in one push goes first if so, for its siblings then no longer
    announce what it lacks still; and last otherwise, for they announce what it leaves.
    """
    if before is None:
        return Rank.NEW
    joins, leaves = set(after) - set(before), set(before) - set(after)
    if joins and leaves:
        return Rank.FIRST if all_same else Rank.LAST
    if joins:
        return Rank.FIRST
    return Rank.LAST if leaves else Rank.BETWEEN
