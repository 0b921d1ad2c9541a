"""Who uses the servers: every user holds a shared lock, and the last one out stops them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from config.running.embedded import folders, postgres, valkey
from config.running.embedded.options import Embedded
from config.running.embedded.waiting import listens


@contextmanager
def servers(embedded: Embedded) -> Iterator[None]:
    """Have the servers running; the last of all users stops them. Raises ServerFailed."""
    if not (embedded.postgres or embedded.valkey):
        yield
        return
    embedded.var.mkdir(parents=True, exist_ok=True, mode=0o700)
    folders.only_ours(embedded.var)
    with _locked(embedded.var / "servers.lock", fcntl.LOCK_SH) as users:
        with _starting_or_stopping(embedded):
            _start(embedded)
        try:
            yield
        finally:
            # Blocks while somebody else uses the servers: then they go on.
            with _starting_or_stopping(embedded), suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _stop(embedded)


def mend(embedded: Embedded) -> list[str]:
    """Start again what has died; returns its names."""
    dead = []
    if embedded.postgres and not listens(embedded.postgres_socket):
        dead.append("PostgreSQL")
    if embedded.valkey and not listens(embedded.valkey_socket):
        dead.append("Valkey")
    if dead:
        with _starting_or_stopping(embedded):
            _start(embedded)
    return dead


def _start(embedded: Embedded) -> None:
    """Start what does not answer yet."""
    if embedded.postgres:
        postgres.start(embedded)
    if embedded.valkey:
        valkey.start(embedded)


def _stop(embedded: Embedded) -> None:
    """Stop both, with everything written."""
    if embedded.valkey:
        valkey.stop(embedded)
    if embedded.postgres:
        postgres.stop(embedded)


@contextmanager
def _starting_or_stopping(embedded: Embedded) -> Iterator[None]:
    """One at a time."""
    with _locked(embedded.var / "start.lock", fcntl.LOCK_EX):
        yield


@contextmanager
def _locked(path: Path, kind: int) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, kind)
        yield descriptor
    finally:
        os.close(descriptor)
