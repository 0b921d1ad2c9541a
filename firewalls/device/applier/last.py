"""What became of the last run, its token and confirmed, rolled back or failed; and who waits."""

from __future__ import annotations

import os

from . import box, files, locks

LAST = f"{box.STATE}/last"
WIDTH = 60  # so that every verdict can be written over the one before it


def note(token: str, verdict: str) -> None:
    """Keep a verdict. On a full disk it is written over the last one, which takes no room."""
    new = f"{LAST}.{os.getpid()}"
    line = f"{token} {verdict}"
    try:
        files.remove(new)
        files.write(new, f"{line}\n".encode(), flush=True)
        os.rename(new, LAST)
    except OSError:
        files.remove(new)
        _overwrite(f"{line:<{WIDTH}}\n".encode())


def _overwrite(line: bytes) -> None:
    descriptor = os.open(LAST, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, line)
        os.fsync(descriptor)
    except OSError as error:
        error.filename = LAST
        raise
    finally:
        os.close(descriptor)


def noted() -> bool:
    """Whether there is a verdict, and so room for the next one."""
    return bool(files.text(LAST))


def verdict_of(token: str) -> str:
    """What became of a run, or `unknown` if it was not the last one."""
    run, _, verdict = files.text(LAST).partition("\n")[0].partition(" ")
    return verdict.strip() if token and run == token else "unknown"


def unconfirmed() -> str:
    """The token of the push that waits to be confirmed, if one does."""
    return files.text(f"{box.PENDING}/token").strip()


def confirm(token: str) -> str:
    """Keep the configuration of a push; gives what became of it. Raises Failed or OSError."""
    from . import kept

    locks.make_state()
    locks.lock()
    if token and token == unconfirmed() and os.path.exists(f"{box.PENDING}/applied"):
        kept.confirm()
        # Noted before it is cleared away: whoever finds the rest after a power cut knows that it
        # stays.
        note(token, "confirmed")
        files.remove_tree(box.PENDING)
    return verdict_of(token)
