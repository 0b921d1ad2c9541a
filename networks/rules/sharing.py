"""Sharing is for ever (R3)."""

from collections.abc import Iterator

from networks.common.violations import Violation
from networks.rules.values import Net


def stays_shared(before: Net, after: Net) -> Iterator[Violation]:
    """R3: there is no way back."""
    if before.shared and not after.shared:
        yield Violation("shared", "cannot_unshare", "A shared network stays shared (R3).")


def sharing_is_kept(before: Net, after: Net) -> Iterator[Violation]:
    """R3: who shared it, when and why is kept."""
    for field in ("shared_at", "shared_by", "shared_reason"):
        if before.shared and getattr(before, field) != getattr(after, field):
            yield Violation(field, "kept", "Who shared a network, when and why is kept (R3).")
