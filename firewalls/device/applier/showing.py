"""What is on the box, and what runs there beside what ran when it was applied, in lines."""

from __future__ import annotations

import binascii
import os

from . import box, files, others
from .speaking import identity
from .steps import say

UNITS = "units of somebody else in the way"


def show(digest: str) -> None:
    """Tell it all, who tells it first, and `end` last."""
    say("applier", *identity(digest))
    for name, content in files.contents(box.ROOT).items():
        _tell("file", f"/{name}", content.decode(errors="surrogateescape"))
    if not box.PRACTICE and os.path.isdir(box.APPLIED):
        _running()
    say("end")


def _running() -> None:
    """Each subject: what is there otherwise than when it was applied, and as it should be."""
    from .verifying import subjects
    from .verifying.seeing import applied

    look = subjects.Look(applied(), subjects.ALL, subjects.PATIENCE)
    for name, differences in look.found.items():
        _tell("applied", name, _lines([one.wanted for one in differences]))
        _tell("running", name, _lines([one.actual for one in differences]))
    if in_the_way := others.in_the_way(box.ROOT, others.units()):
        _tell("applied", UNITS, "")
        _tell("running", UNITS, _lines([f"/{name} {why}" for name, why in in_the_way.items()]))


def _tell(kind: str, name: str, text: str) -> None:
    content = text.encode(errors="surrogateescape")
    say(kind, name, binascii.b2a_base64(content, newline=False).decode())


def _lines(entries: list[str]) -> str:
    return "".join(entry if entry.endswith("\n") else f"{entry}\n" for entry in entries if entry)
