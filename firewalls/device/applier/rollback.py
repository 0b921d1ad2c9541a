"""Going back: what was saved is put in place, loaded, and only then forgotten."""

from __future__ import annotations

import os

from . import aside, box, defaults, files, frr, last, locks, rules, system
from .remarks import Failed, Skipped, remark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

UNDONE = f"{box.PENDING}/undone"  # the files as they were before this went back


def put_back() -> None:
    """Back to what was saved: the files, the rules, the routing. Raises Failed or OSError.

    What was saved is kept until that has been done.
    """
    token = last.unconfirmed()
    if not token or last.verdict_of(token) != "confirmed":
        sweep()
        give_room()
        if not os.path.isdir(UNDONE):
            files.remove_tree(f"{UNDONE}.new")
            files.copy(box.ROOT, f"{UNDONE}.new")
            os.rename(f"{UNDONE}.new", UNDONE)
        files.install(box.PENDING, files.differences(box.PENDING, box.ROOT))
        if box.PRACTICE:
            aside.put_back(box.PENDING)
        else:
            _load()
        if token:
            last.note(token, "rolled back")
    files.remove_tree(box.PENDING)


def _load() -> None:
    """The rules first: they may be what keeps out whoever could help. Raises Failed.

    A part that fails is no reason to leave out the others.
    """
    parts = (
        lambda: rules.put_back(box.PENDING),
        lambda: aside.put_back(box.PENDING),
        lambda: system.load(UNDONE),
        lambda: system.put_settings_back(f"{box.PENDING}/sysctls"),
        _route,
        # frr-reload.py has FRR write its own text where a file is not in its place.
        lambda: files.install(box.PENDING, files.differences(box.PENDING, box.ROOT)),
    )
    ends = [_went_well(part) for part in parts]
    if not all(ends):
        raise Failed("")
    if files.read(box.ROOT, box.RULES) is not None:
        # At boot FRR cannot say yet what it will run.
        remember(frr.running() or files.text(f"{box.PENDING}/running.conf"))


def _went_well(part: Callable[[], None]) -> bool:
    try:
        part()
    except Skipped:
        pass
    except (Failed, OSError) as reason:
        remark(str(reason))
        return False
    return True


def _route() -> None:
    """At boot FRR reads the files by itself, later."""
    if frr.runs():
        running = f"{box.PENDING}/running.conf"
        text = files.text(running)
        frr.reload(running, text)
        defaults.Keeping(text, files.text(f"{UNDONE}/{box.FRR}"))


def remember(running: str) -> None:
    """What runs now, of which FRR was seen to run this, is what was applied."""
    files.remove_tree(box.APPLIED)
    os.mkdir(box.APPLIED)
    now = rules.in_kernel(files.text(f"{box.ROOT}/{box.RULES}"))
    files.write(f"{box.APPLIED}/nftables", now.encode(errors="surrogateescape"))
    files.write(f"{box.APPLIED}/frr", running.encode(errors="surrogateescape"))


def recover() -> None:
    """Go back, where a push is unconfirmed and its timer is gone. Raises Failed or OSError."""
    if not os.path.isdir(box.PENDING):
        return
    if not locks.is_held(f"{box.PENDING}/timer.{last.unconfirmed()}"):
        put_back()


def give_room() -> None:
    """What was sent keeps, until it is confirmed, the room that going back takes."""
    files.remove_like(box.PENDING, "new.", "candidate.")


def sweep() -> None:
    """Remove what a killed run left; others may be waiting for the lock with theirs."""
    for name in os.listdir(box.STATE):
        kind, _, process = name.partition(".")
        left = bool(process) if kind in ("new", "last") else kind == "candidate"
        if left and not (kind == "candidate" and _lives(process)):
            files.remove_tree(f"{box.STATE}/{name}")


def _lives(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (OSError, OverflowError, ValueError):
        return False
    return True
