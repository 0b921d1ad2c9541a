"""The timer of a push, a process of its own: it goes back unless the push is confirmed in time.

Where systemd runs it is a unit, because logind may end whatever an SSH session has started
(KillUserProcesses=yes).
"""

from __future__ import annotations

import os
import sys
import time

from . import box, files, last, locks, rollback, saving, tools
from .remarks import Failed, remark
from .waiting import sleep

PAUSES = (5, 20, 60, 0)  # seconds between attempts to go back
INHERITED = 8  # the descriptor of a lock that is held already
PATIENCE = 10  # seconds until systemd has started the timer
NOTHING = "/dev/null"


def arm(token: str) -> None:
    """Have the configuration go back unless it is confirmed. Raises Failed or OSError."""
    if os.path.isdir(box.PENDING):
        files.remove(f"{box.PENDING}/applied")
        rollback.give_room()
    else:
        os.rename(saving.SAVED, box.PENDING)
    lock = _lock_path(token)
    try:
        os.close(locks.open_lock(lock))
        files.replace(f"{box.PENDING}/token", f"{token}\n")
    except OSError as error:
        raise Failed(f"No rollback could be armed; is the disk full? {error}") from error
    files.flush_folder(box.STATE)
    if not (box.has_systemd() and _start_unit(token)):
        _start(token)
    remark(
        f"Rolled back by itself in {box.TIMEOUT} seconds unless it is confirmed over a new "
        "connection."
    )


def _lock_path(token: str) -> str:
    return f"{box.PENDING}/timer.{token}"


def _command(token: str) -> list[str]:
    program = os.path.abspath(sys.argv[0])
    return [sys.executable, "-ISB", program, "rollback", token, str(box.TIMEOUT)]


def _start_unit(token: str) -> bool:
    """Whether systemd has started the timer, which takes its lock then."""
    words = ["systemd-run", "--quiet", "--collect", f"--unit=shared-networks-rollback-{token}"]
    for name, value in os.environ.items():
        if name == "PATH" or name.startswith("APPLIER_"):
            words.append(f"--setenv={name}={value}")
    if not tools.run([*words, "--setenv=APPLIER_INSIDE=1", *_command(token)]).ok:
        return False
    deadline = time.monotonic() + PATIENCE
    while not locks.is_held(_lock_path(token)):
        if time.monotonic() > deadline:
            return False
        sleep(0.05)
    return True


def _start(token: str) -> None:
    """In a session of its own, with its lock, held: so whether it lives can be asked at once."""
    lock = locks.open_lock(_lock_path(token))
    locks.try_lock(lock)
    command = _command(token)
    os.posix_spawn(
        command[0],
        command,
        {**os.environ, "APPLIER_INSIDE": "1"},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, NOTHING, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, NOTHING, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, NOTHING, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, lock, INHERITED),
        ],
        setsid=True,
    )
    os.close(lock)


def run(token: str, seconds: int) -> None:
    """Wait for the end of applying, then so many seconds; or no longer than the applier lives."""
    _hold_lock(_lock_path(token))
    ends = None
    while ends is None or time.monotonic() < ends:
        sleep(1)
        if last.unconfirmed() != token:
            return
        if ends is not None:
            continue
        if os.path.exists(f"{box.PENDING}/applied"):
            ends = time.monotonic() + seconds
        elif locks.lock_at_once():
            break
    _go_back(token)


def _hold_lock(path: str) -> None:
    """Unless it was inherited. Whoever asks whether it is held has it for a moment."""
    if os.path.exists(path) and not _is_inherited(path):
        locks.wait_for(locks.open_lock(path))


def _is_inherited(path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(INHERITED), os.stat(path))
    except OSError:
        return False


def _go_back(token: str) -> None:
    while not _locked():
        sleep(1)
    for pause in PAUSES:
        if last.unconfirmed() != token:
            break
        try:
            rollback.put_back()
        except Exception:  # whatever it is, it may have passed by then
            sleep(pause)
    locks.unlock()


def _locked() -> bool:
    try:
        locks.lock()
    except (Failed, OSError):
        return False
    return True
