"""Other programs: each in a process group of its own, and ended where it takes too long."""

from __future__ import annotations

import os
import select
import time

from . import box
from .remarks import Failed, Skipped, remark

SIGKILL, SIGPIPE, SIGTERM = 9, 13, 15  # the module signal would cost 4 ms at every start
GRACE = 5  # seconds for a program that was asked to end
CHUNK = 65536


class Result:
    """How a program ended, and what it wrote."""

    def __init__(self, status: int, text: str) -> None:
        self.ok = status == 0
        self.text = text


def run(words: list[str], seconds: float = 60, *, quiet: bool = False) -> Result:
    """Run a program to its end. Its errors are part of what it wrote, unless it is to be quiet."""
    reading, writing = os.pipe()
    try:
        child = _start(words, writing, quiet)
    except OSError as error:
        os.close(reading)
        return Result(1, f"{words[0]}: {error.strerror}")
    finally:
        os.close(writing)
    limit = min(seconds, box.LIMIT)
    deadline = time.monotonic() + limit
    output = _read(reading, deadline)
    os.close(reading)
    status = _end(child, deadline)
    text = output.decode(errors="surrogateescape")
    if status is None:
        return Result(1, f"{text}{words[0]} did not end within {limit:g} seconds.")
    return Result(status, text)


def must(words: list[str], seconds: float = 60) -> str:
    """Run a program that must end well; what it wrote goes to the step's output. Raises Failed."""
    result = run(words, seconds)
    remark(result.text)
    if not result.ok:
        raise Failed("")
    return result.text


def installed(name: str) -> bool:
    """Whether there is such a program here."""
    folders = os.environ["PATH"].split(":")
    return any(os.access(f"{folder}/{name}", os.X_OK) for folder in folders)


def missing(sentence: str) -> Exception:
    """On a practice firewall a missing tool costs a check; on a real one it is needed."""
    return Skipped(sentence) if box.PRACTICE else Failed(sentence)


def _start(words: list[str], output: int, quiet: bool) -> int:
    nothing = (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)
    answers = (os.POSIX_SPAWN_DUP2, output, 1)
    complaints: tuple[object, ...] = (os.POSIX_SPAWN_DUP2, output, 2)
    if quiet:
        complaints = (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)
    return os.posix_spawnp(
        words[0],
        words,
        os.environ,
        file_actions=[nothing, answers, complaints],
        setpgroup=0,
        setsigdef=[SIGPIPE],
    )


def _read(pipe: int, deadline: float) -> bytes:
    """Everything until the end, or until it is too late."""
    chunks = []
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    while poll.poll(max(0, int((deadline - time.monotonic()) * 1000))):
        chunk = os.read(pipe, CHUNK)
        if not chunk:
            break
        chunks.append(chunk)
    return b"".join(chunks)


def _end(child: int, deadline: float) -> int | None:
    """The status of a program, which may go on when it has nothing to write; None if ended here."""
    status = _status(child, deadline)
    if status is not None:
        return status
    for signal, seconds in ((SIGTERM, GRACE), (SIGKILL, 3600)):
        os.killpg(child, signal)
        if _status(child, time.monotonic() + seconds) is not None:
            break
    return None


def _status(child: int, deadline: float) -> int | None:
    wait = 0.0005
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        if time.monotonic() >= deadline:
            return None
        select.select([], [], [], wait)
        wait = min(wait * 2, 0.1)
