"""The list: all that is looked at, by the names under which the product shows it."""

from __future__ import annotations

import time

from .. import waiting
from . import (
    daemons,
    interfaces,
    neighbours,
    others_rules,
    own_rules,
    routes,
    routing,
    settings,
    vnis,
)
from .seeing import Seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .differences import Difference
    from .seeing import Wanted

    Subjects = tuple[tuple[str, Callable[[Wanted, Seen], list[Difference]]], ...]
    Found = dict[str, list[Difference]]

PATIENCE = 3  # seconds for what FRR and the kernel may be about to do
# Loaded by a push at once, so it will not come later.
AT_ONCE: Subjects = (
    (own_rules.NAME, own_rules.lacking),
    (settings.NAME, settings.lacking),
    (daemons.NAME, daemons.lacking),
    (routing.NAME, routing.lacking),
)
# What systemd-networkd and FRR make of it, a moment later.
SOON: Subjects = (
    (interfaces.NAME, interfaces.lacking),
    (vnis.NAME, vnis.lacking),
)
# What FRR does with what it learns; where it forgets something, a step of a push mends it.
LEARNT: Subjects = (
    (routes.NAME, routes.lacking),
    (neighbours.NAME, neighbours.lacking),
)
# Not ours to mend, so nothing to wait for: told, and no reason by itself to take a push back.
OTHERS: Subjects = (
    (interfaces.ABSENT, interfaces.absent),
    (others_rules.NAME, others_rules.lacking),
)
LOADED = AT_ONCE + SOON
OWN = LOADED + LEARNT
ALL = OWN + OTHERS
FINAL = [name for name, _ in AT_ONCE]
NOT_OURS = [name for name, _ in OTHERS]


class Look:
    """What is otherwise, by subject, once what may come has come, or after so many seconds."""

    def __init__(self, wanted: Wanted, subjects: Subjects, patience: int) -> None:
        began = time.monotonic()
        self.seen, self.found = _once(wanted, subjects)
        while self._may_pass() and time.monotonic() - began < patience:
            waiting.sleep(1)
            self.seen, self.found = _once(wanted, subjects)

    def _may_pass(self) -> bool:
        lacking = [name for name, differences in self.found.items() if differences]
        ours = [name for name in lacking if name not in NOT_OURS]
        return bool(ours) and not any(name in FINAL for name in ours)

    def sentences(self) -> list[str]:
        """All that is otherwise, for people."""
        return [f"{one.sentence}." for differences in self.found.values() for one in differences]


def _once(wanted: Wanted, subjects: Subjects) -> tuple[Seen, Found]:
    seen = Seen()
    return seen, {name: lacking(wanted, seen) for name, lacking in subjects}
