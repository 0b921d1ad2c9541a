"""A box that attacks: a real SSH server that lets everybody in and answers with what it likes."""

import asyncio
import base64
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import asyncssh

HOST = "127.0.0.1"
Process: TypeAlias = "asyncssh.SSHServerProcess[bytes]"
Answer: TypeAlias = "bytes | Callable[[Process], Awaitable[None]]"


@dataclass
class HostileBox:
    """Its port and key, and what it answers by verb, which may be changed at any time."""

    port: int
    host_key: str
    answers: dict[str, Answer] = field(default_factory=dict)

    def fields(self) -> dict[str, object]:
        """How a firewall has it."""
        return {
            "host": HOST,
            "port": self.port,
            "user": "shared-networks",
            "host_key": self.host_key,
            "practice": False,
        }


class _Everybody(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return False


def encoded(text: bytes) -> bytes:
    return base64.b64encode(text)


def lines(*words: tuple[bytes, ...]) -> bytes:
    """An answer as an applier writes it."""
    return b"".join(b"\t".join(line) + b"\n" for line in words)


async def endless(process: Process) -> None:
    """Words without an end."""
    with suppress(OSError, asyncssh.Error):
        while True:
            process.stdout.write(b"x" * 65_536)
            await process.stdout.drain()


async def silence(process: Process) -> None:
    """It listens, and says nothing."""
    await asyncio.sleep(3_600)


@contextmanager
def hostile_box(kind: str = "ssh-ed25519", **options: Any) -> Iterator[HostileBox]:
    """The server runs in a thread of its own, with an event loop of its own."""
    key = asyncssh.generate_private_key(kind, **options)
    public = " ".join(key.export_public_key().decode().split()[:2])
    box = HostileBox(0, public)
    loop = asyncio.new_event_loop()

    async def answer(process: Process) -> None:
        verb = (process.command or "").partition(" ")[0]
        said = box.answers.get(verb, b"")
        if callable(said):
            await said(process)
        else:
            process.stdout.write(said)
        process.exit(0)

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            HOST,
            0,
            server_factory=_Everybody,
            server_host_keys=[key],
            process_factory=answer,
            encoding=None,
            gss_host=None,
        )

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(60)
    box.port = server.get_port()
    try:
        yield box
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)


@contextmanager
def silent_socket() -> Iterator[int]:
    """A port where somebody accepts connections, and says nothing at all."""
    with socket.create_server((HOST, 0)) as server:
        yield int(server.getsockname()[1])
