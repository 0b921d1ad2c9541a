"""The step that verifies what a push has loaded, before it waits for what FRR learns."""

from __future__ import annotations

import os

from . import box, files, rules
from .remarks import Failed, remark
from .verifying import interfaces, others_rules, subjects
from .verifying.seeing import Seen, Wanted

IN_THE_WAY = (
    "Remove such a chain, or give it the policy accept: a packet passes only if every table lets "
    "it through."
)


def loaded() -> Seen:
    """All that was loaded is there; gives what was seen. Raises Failed."""
    wanted = Wanted(box.NEW, rules=rules.expected())
    look = subjects.Look(wanted, subjects.LOADED + subjects.OTHERS, box.SETTLE)
    for absent in look.found.pop(interfaces.ABSENT):
        remark(f"{absent.sentence}.")
    others = [one.actual for one in look.found.pop(others_rules.NAME)]
    if look.sentences():
        raise Failed("\n".join(look.sentences()))
    _tell(others)
    return look.seen


def _tell(others: list[str]) -> None:
    """Chains of others that drop are told. One that may drop all that we accept is refused.

    Unless it was there before this push and something had been applied already: then the firewall
    works with it, and a push (of a rule that somebody needs at once) is no worse than none. Before
    the first push nobody has seen it work, and one that has come meanwhile is new to everybody.
    """
    before = files.text(f"{box.PENDING}/others").splitlines()
    known = before if os.path.isdir(box.APPLIED) else []
    new = [line for line in others if line.endswith(others_rules.POLICY) and line not in known]
    for line in others:
        remark(f"{line}, perhaps also what we accept.")
    if new:
        raise Failed(IN_THE_WAY)
