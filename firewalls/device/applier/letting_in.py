"""Whose keys let the product in: several at a time, so that one takes over without a gap.

Only root at the firewall adds and retires them. The product's own key never can: whoever steals it
could let in another one, and stay.
"""

from __future__ import annotations

import os

from . import box, files, login
from .account import LOGIN, PROGRAM
from .refusing import Refused
from .steps import complain, say

KEYS = f"{LOGIN}/{login.KEYS}"
REFUSED = 65


def add(key: str) -> None:
    """Let this key in, beside those that are let in. The folder is root's, not the account's."""
    line = f'restrict,command="sudo -n {PROGRAM}" {key}'
    _write([*_without(key), line])


def retire(key: str) -> int:
    """Let this key in no more; gives the status to end with."""
    try:
        _retire(key)
    except Refused as reason:
        complain(str(reason))
        return REFUSED
    say("It is let in no more.")
    return 0


def _retire(key: str) -> None:
    if os.geteuid() != 0:
        raise Refused("Retiring a key takes root: sudo python3 shared-networks-applier retire")
    rest = _without(key)
    if len(rest) == len(_lines()):
        raise Refused("That key is not among those that are let in.")
    if not rest:
        raise Refused("It is the only key that is let in: install another one first.")
    _write(rest)


def _lines() -> list[str]:
    return [line for line in files.text(box.ROOT + KEYS).splitlines() if line.strip()]


def _without(key: str) -> list[str]:
    """The lines of other keys: a key is its second word, whatever its comment says."""
    named = " ".join(key.split()[:2])
    return [line for line in _lines() if f" {named} " not in f"{line} "]


def _write(lines: list[str]) -> None:
    try:
        os.makedirs(os.path.dirname(box.ROOT + KEYS), exist_ok=True)
        text = "".join(f"{line}\n" for line in lines)
        files.put(KEYS.lstrip("/"), text.encode(), 0o644, (0, 0))
    except OSError as error:
        raise Refused(f"{KEYS} could not be written: {error.strerror}") from error
    for folder in (LOGIN, os.path.dirname(KEYS)):
        os.chmod(box.ROOT + folder, 0o755)
