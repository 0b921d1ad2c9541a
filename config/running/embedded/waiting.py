"""Whether a server listens, and waiting until it does."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from config.running.embedded.failing import ServerFailed

START_SECONDS = 60


def listens(path: Path) -> bool:
    """Whether a server answers on this socket."""
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.connect(str(path))
        return True
    return False


def wait_until(ready: Callable[[], bool], sentence: str) -> None:
    """Raises ServerFailed with the sentence."""
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            raise ServerFailed(sentence)
        time.sleep(0.02)
