"""Locks, which the kernel lets go of when their holder dies.

One is held by whoever changes this box. The other is each timer's own: whether it lives can be
asked without trusting process ids.
"""

from __future__ import annotations

import fcntl
import os

from . import box, waiting
from .remarks import Failed

_descriptors: list[int] = []  # the descriptor of the box's lock


def make_state() -> None:
    """The folder of this program, which only root can read."""
    os.makedirs(box.STATE, exist_ok=True)


def lock() -> None:
    """Have this box to oneself. Raises Failed if another run keeps it for too long."""
    waited = 0
    while not lock_at_once():
        if waited >= box.LOCK_WAIT:
            raise Failed(
                f"Another push has been running on this firewall for {waited} seconds. "
                "Try again later."
            )
        waiting.sleep(1)
        waited += 1


def lock_at_once() -> bool:
    """Have this box to oneself, if nobody else has it now."""
    if _descriptors:
        return True
    descriptor = open_lock(f"{box.STATE}/busy")
    if try_lock(descriptor):
        _descriptors.append(descriptor)
        return True
    os.close(descriptor)
    return False


def unlock() -> None:
    """Let others change this box."""
    while _descriptors:
        os.close(_descriptors.pop())


def open_lock(path: str) -> int:
    """A lock that nobody takes by opening it."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def try_lock(descriptor: int) -> bool:
    """Whether the lock is now held by this descriptor and those inherited from it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_for(descriptor: int) -> None:
    """Take a lock as soon as nobody holds it."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def is_held(path: str) -> bool:
    """Whether somebody holds the lock."""
    descriptor = open_lock(path)
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)
