"""The rules of our own tables, word for word as the kernel lists them."""

from __future__ import annotations

from .. import rules
from .differences import Difference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .seeing import Seen, Wanted

NAME = "rules in the kernel"
OTHERS = "The rules in the kernel are not those that were sent."


def lacking(wanted: Wanted, seen: Seen) -> list[Difference]:
    """Their order means something, so all of them are told."""
    if not wanted.rules:
        return []
    now = rules.of(seen.rules(), rules.tables(wanted.rules))
    return [] if now == wanted.rules else [Difference(wanted.rules, now, OTHERS)]
