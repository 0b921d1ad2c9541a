"""Whether a server listens, and waiting until it does."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

START_SECONDS = 60


def listens(path: Path) -> bool:
    """Whether a server answers on this socket."""
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.connect(str(path))
        return True
    return False


def wait_until(ready: Callable[[], bool], sentence: str) -> None:
    """Raises TimeoutError with the sentence."""
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(sentence)
        time.sleep(0.02)
