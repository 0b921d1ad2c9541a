"""Hundreds of boxes behind one SSH server, each by its user's name, that keep a log of their own.

They speak as the applier does, and do what it does to a configuration: begin, apply, confirm, go
back. Nothing is run, so hundreds of pushes cost little beside what the product itself does.
"""

import asyncio
import io
import tarfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import asyncssh

from firewalls.configuration.render import digest

HOST = "127.0.0.1"
SLOWEST = 6
PATIENCE = 60  # seconds for which a box waits for a confirmation
Process: TypeAlias = "asyncssh.SSHServerProcess[bytes]"


class Event(NamedTuple):
    """What a box did, and with which configuration."""

    what: str  # begun, applied, confirmed, went back
    digest: str
    at: float


@dataclass
class Box:
    """One of them. It takes one push at a time, as an applier does by its lock."""

    log: list[Event] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)  # how each push ended, or that it did not
    running: str = ""  # the digest of what was confirmed last
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def note(self, what: str, digest: str) -> None:
        self.log.append(Event(what, digest, time.monotonic()))

    def count(self, what: str) -> int:
        return sum(event.what == what for event in self.log)

    def confirm(self, token: str) -> bytes:
        """Keep what was applied; or say what has become of it."""
        state = self.tokens.get(token, "unknown")
        if state in ("confirmed", "rolled back", "unknown"):
            return state.encode()
        self.running = state
        self.tokens[token] = "confirmed"
        self.note("confirmed", state)
        return b"confirmed"

    def go_back(self) -> None:
        """Nobody has confirmed what was applied last, and another push begins or time is up."""
        for token, state in self.tokens.items():
            if state not in ("confirmed", "rolled back"):
                self.tokens[token] = "rolled back"
                self.note("went back", state)


@dataclass
class Fleet:
    """All of them, and where they answer."""

    port: int
    host_key: str
    seconds: float  # that a push takes on the fastest box; the slowest takes SLOWEST times that
    boxes: dict[str, Box] = field(default_factory=lambda: defaultdict(Box))

    def confirmed(self) -> int:
        """How many boxes run something that was confirmed."""
        return sum(bool(box.running) for box in self.boxes.values())

    async def answer(self, process: Process) -> None:
        name = str(process.get_extra_info("username"))
        box = self.boxes[name]
        verb, *words = (process.command or "").split()
        match verb:
            case "apply":
                await self._apply(box, process, self.seconds * (1 + sum(name.encode()) % SLOWEST))
            case "confirm":
                process.stdout.write(box.confirm(words[0]) + b"\n")
            case _:
                process.stdout.write(b"end\n")
        process.exit(0)

    async def _apply(self, box: Box, process: Process, seconds: float) -> None:
        wanted = digest(_files(await process.stdin.read()))
        async with box.lock:
            box.go_back()
            token = f"t{len(box.tokens)}"
            process.stdout.write(f"begin\t{token}\t{PATIENCE}\n".encode())
            if wanted == box.running:
                process.stdout.write(b"done\tunchanged\n")
                return
            box.note("begun", wanted)
            process.stdout.write(b"step\twrite\trunning\t\n")
            await asyncio.sleep(seconds)
            box.tokens[token] = wanted
            box.note("applied", wanted)
            process.stdout.write(b"step\twrite\tok\t\ndone\tapplied\n")
            asyncio.get_running_loop().call_later(PATIENCE, _in_time, box, token)


def _in_time(box: Box, token: str) -> None:
    if box.tokens[token] not in ("confirmed", "rolled back"):
        box.go_back()


def _files(archive: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        read = {member.name: tar.extractfile(member) for member in tar.getmembers()}
        return {f"/{name}": file.read().decode() for name, file in read.items() if file}


class _Everybody(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return False


@contextmanager
def fleet(seconds: float) -> Iterator[Fleet]:
    """The server runs in a thread of its own, with an event loop of its own."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    public = " ".join(key.export_public_key().decode().split()[:2])
    boxes = Fleet(0, public, seconds)
    loop = asyncio.new_event_loop()

    async def handle(process: Process) -> None:
        with suppress(OSError, asyncssh.Error):  # whoever asked is dead by now
            await boxes.answer(process)

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            HOST,
            0,
            server_factory=_Everybody,
            server_host_keys=[key],
            process_factory=handle,
            encoding=None,
            backlog=500,
            gss_host=None,
        )

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(60)
    boxes.port = server.get_port()
    try:
        yield boxes
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
