"""What this box had before the first push that was confirmed: kept for good, to be given back."""

from __future__ import annotations

import os

from . import box, files, others, rules
from .remarks import Failed, remark

BEFORE = f"{box.STATE}/before"
TAKEN_OVER = f"{BEFORE}/confirmed"  # there once a push was confirmed: from then on it is ours
GIVES_BACK = f"{box.PENDING}/gives-back"
NOTHING_KEPT = "Nothing is kept here of what this firewall had before it was pushed to."


def keep(saved: str) -> None:
    """Keep what was saved before the first push. Raises Failed.

    While no push is confirmed it is kept anew for each; after that it is never touched.
    """
    if os.path.exists(TAKEN_OVER):
        return
    if _is_ours():
        remark("It was managed before what it had was kept here.")
        return
    new = f"{BEFORE}.new"
    try:
        files.remove_tree(new)
        _copy(saved, new)
        for name, text in others.units().items():
            if name.startswith(f"{box.UNITS}/"):
                os.makedirs(f"{new}/{box.UNITS}", exist_ok=True)
                content = text.encode(errors="surrogateescape")
                files.write(f"{new}/{name}", content, flush=True)
        files.remove_tree(BEFORE)
        os.rename(new, BEFORE)
        files.flush_folder(box.STATE)
    except OSError as error:
        raise Failed(f"What is here could not be kept; is the disk full? {error}") from error
    remark("What was here before is kept for good.")


def _is_ours() -> bool:
    """Whether an earlier version has pushed here already, which kept nothing."""
    names = files.contents(box.ROOT)
    return box.SYSCTL in names or any(name.startswith(f"{box.UNITS}/") for name in names)


def _copy(source: str, target: str) -> None:
    os.makedirs(target)
    for name in os.listdir(source):
        path, copy = f"{source}/{name}", f"{target}/{name}"
        if os.path.isdir(path):
            _copy(path, copy)
            continue
        with open(path, "rb") as file:
            files.write(copy, file.read(), flush=True)
    files.flush_folder(target)


def confirm() -> None:
    """The push that waits is confirmed: the box is taken over from now on, or given back."""
    try:
        if os.path.exists(GIVES_BACK):
            files.remove(TAKEN_OVER)
        elif os.path.isdir(BEFORE) and not os.path.exists(TAKEN_OVER):
            files.write(TAKEN_OVER, b"", flush=True)
            files.flush_folder(BEFORE)
    except OSError:
        pass  # on a full disk; the next push finds our files here, and keeps nothing anew


def put_into(folder: str) -> None:
    """Put the managed files that were here into a new folder. Raises Failed."""
    if not os.path.isdir(BEFORE):
        raise Failed(NOTHING_KEPT)
    files.copy(BEFORE, folder)


def loading(replaced: str) -> str:
    """The rules that bring back what the kernel had in our tables; nothing where it had none.

    `replaced`: the rule set that is replaced; of its tables, those that were not there then go.
    """
    had = files.text(f"{BEFORE}/rules")
    gone = [table for table in rules.tables(replaced) if table not in rules.tables(had)]
    return had + "".join(f"add table {table}\ndelete table {table}\n" for table in gone)


def lacking_units() -> list[str]:
    """The units of others that were here and are not in their place."""
    folder = f"{BEFORE}/{box.UNITS}"
    listed = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    names = [f"{box.UNITS}/{name}" for name in listed]
    return [n for n in names if not files.managed(n) and not os.path.lexists(f"{box.ROOT}/{n}")]
