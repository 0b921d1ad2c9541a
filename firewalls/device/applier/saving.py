"""What a push may have to go back to: files, rules, routing and settings of the kernel."""

from __future__ import annotations

import os

from . import aside, box, files, frr, kept, rules
from .remarks import Failed, remark

SAVED = f"{box.STATE}/saved.{os.getpid()}"
NOT_ASKED = "What runs could not be asked of nft and FRR, so it could not be saved."


def save(*changing: str) -> None:
    """Save what runs. Raises Failed, also where it could not be loaded again.

    `changing`: folders with the rules and the kernel settings that this push will change.
    While an earlier push is unconfirmed, what it saved is still what to go back to.
    """
    if os.path.isdir(box.PENDING):
        if not box.PRACTICE:
            _add_to(box.PENDING, changing)
        remark("An unconfirmed push is replaced; its rollback would go back to the same files.")
        return
    files.remove_like(box.STATE, "saved.")
    try:
        files.copy(box.ROOT, SAVED)
        aside.note(SAVED)
    except OSError as error:
        raise Failed(f"What runs could not be saved; is the disk full? {error}") from error
    if not box.PRACTICE:
        _add_to(SAVED, changing)
        _ask(SAVED)
        _must_load(SAVED)
        files.flush_folder(SAVED)
        if os.path.exists(kept.TAKEN_OVER):
            _add_to(kept.BEFORE, changing)
    kept.keep(SAVED)


def _add_to(folder: str, changing: tuple[str, ...]) -> None:
    """Save what this push will change in the kernel, unless an earlier one has changed it."""
    from . import system
    from .verifying import others_rules

    saved = files.text(f"{folder}/rules")
    new = rules.tables(_texts(changing, box.RULES, "rules"))
    every = rules.must_be_listed()
    # A rule set that begins by flushing all, as earlier versions saved it, has what there was.
    anew = [] if saved.startswith("flush ruleset") else new
    missing = [table for table in anew if table not in rules.tables(saved)]
    if missing or not saved:
        files.replace(f"{folder}/rules", saved + rules.undoing(missing, every))
    files.replace(f"{folder}/others", _lines(others_rules.told(every, new)))
    saved = files.text(f"{folder}/sysctls")
    have = {line.partition(" = ")[0] for line in saved.splitlines()}
    lines = _texts(changing, box.SYSCTL, "sysctls").splitlines()
    missing = [line for line in lines if line.partition("=")[0].strip() not in have]
    now = system.settings_now(_lines(missing))
    added = [line for line in now.splitlines() if line.partition(" = ")[0] not in have]
    if added:
        files.replace(f"{folder}/sysctls", saved + _lines(added))


def _texts(folders: tuple[str, ...], *names: str) -> str:
    return "\n".join(files.text(f"{folder}/{name}") for folder in folders for name in names)


def _ask(folder: str) -> None:
    """Without BGP, FRR answers the first question only."""
    from . import next_hops, sessions

    answer = frr.ask(frr.CONFIGURATION, sessions.NEIGHBOURS)
    running, rest = frr.configuration(answer)
    if not running:
        raise Failed(NOT_ASKED)
    up = sessions.parsed(rest)
    answers = {
        "running.conf": running,
        "sessions": sessions.lines(up),
        "next-hops": _lines(next_hops.lost()),
    }
    for name, text in answers.items():
        files.write(f"{folder}/{name}", text.encode(errors="surrogateescape"), flush=True)


def _must_load(folder: str) -> None:
    """A rollback that nft or FRR would refuse is none. Raises Failed."""
    reasons = {
        "nft": rules.refusal(f"{folder}/rules"),
        "FRR": frr.refusal(f"{folder}/running.conf"),
    }
    for who, reason in reasons.items():
        if reason:
            raise Failed(f"{who} would not load what runs now again, so nothing is tried: {reason}")


def _lines(entries: list[str]) -> str:
    return "".join(f"{entry}\n" for entry in entries)
