"""What is on the box, and what runs there beside what ran when it was applied, in lines."""

from __future__ import annotations

import binascii
import os

from . import box, defaults, files, frr, next_hops, others, rules
from .steps import say
from .waiting import Settling

RULES = "rules in the kernel"
ROUTING = "running configuration of FRR"
NEXT_HOPS = "next hops without a neighbour"
DEFAULTS = "default routes that are not originated"
UNITS = "units of somebody else in the way"


def show() -> None:
    """Tell it all, and `end` last."""
    for name, content in files.contents(box.ROOT).items():
        _tell("file", f"/{name}", content)
    if not box.PRACTICE and os.path.isdir(box.APPLIED):
        _running()
    say("end")


def _running() -> None:
    applied = files.text(f"{box.APPLIED}/nftables")
    _compare(RULES, applied, rules.in_kernel(applied))
    routing = files.text(f"{box.APPLIED}/frr")
    _compare(ROUTING, _lines(frr.settings(routing)), _lines(frr.settings(frr.running())))
    lost = Settling(next_hops.PATIENCE, next_hops.lost).lacking
    _compare(NEXT_HOPS, "", "\n".join(lost))
    forgotten = Settling(defaults.PATIENCE, lambda: defaults.lost(routing)).lacking
    _compare(DEFAULTS, "", "\n".join(forgotten))
    if in_the_way := others.in_the_way(box.ROOT, others.units()):
        _compare(UNITS, "", "".join(f"/{name} {why}\n" for name, why in in_the_way.items()))


def _compare(name: str, applied: str, running: str) -> None:
    _tell("applied", name, applied.encode(errors="surrogateescape"))
    _tell("running", name, running.encode(errors="surrogateescape"))


def _tell(kind: str, name: str, content: bytes) -> None:
    say(kind, name, binascii.b2a_base64(content, newline=False).decode())


def _lines(entries: list[str]) -> str:
    return "".join(f"{entry}\n" for entry in entries)
