"""Boxes for tests: practice firewalls, OpenSSH's sshd, and a gate that cuts connections.

The server of the practice firewalls is the real one, in a process of its own.
"""

import asyncio
import getpass
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from firewalls.device import practice, transport
from firewalls.device.keys import ensure_key, public_line
from firewalls.device.transport import Order, Outcome, Step, Target, Timeouts

GOOD = {
    "/etc/frr/frr.conf": "frr version 8.4.4\nfrr defaults datacenter\nhostname box\n!\nend\n",
    "/etc/nftables.conf": (
        "add table inet metal\ndelete table inet metal\n\ntable inet metal {\n}\n"
    ),
}
CHANGED = GOOD | {"/etc/frr/frr.conf": GOOD["/etc/frr/frr.conf"].replace("box", "changed")}
Watch = Callable[[Step], Awaitable[None]]


@dataclass
class Boxes:
    """A running practice server and the key that opens it."""

    folder: Path
    key: Path
    port: int

    def target(self, name: str = "box") -> Target:
        practice.ensure_root(self.folder, name)
        return Target(
            name,
            practice.HOST,
            self.port,
            practice.user(name),
            practice.host_key(self.folder),
            practice=True,
        )

    def file(self, path: str, name: str = "box") -> Path:
        return self.folder / name / path.lstrip("/")

    def files(self, name: str = "box") -> dict[str, str]:
        return contents(self.folder / name)

    def slow(self, name: str, seconds: float) -> None:
        (self.folder / f".slow-{name}").write_text(str(seconds))

    def push(
        self, files: Mapping[str, str] = GOOD, name: str = "box", timeouts: Timeouts | None = None
    ) -> tuple[Outcome, list[Step]]:
        return pushed(self.target(name), files, self.key, timeouts)


def contents(root: Path) -> dict[str, str]:
    return {
        path: (root / path.lstrip("/")).read_text()
        for path in GOOD
        if (root / path.lstrip("/")).exists()
    }


def settled(root: Path, wanted: Mapping[str, str], seconds: float = 60) -> bool:
    """Whether the files become the wanted ones, and nobody waits for a confirmation any more."""
    deadline = time.monotonic() + seconds
    pending = root / "var/lib/shared-networks/pending"
    while (contents(root) != wanted or pending.exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return contents(root) == wanted and not pending.exists()


def wait_until(true: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for what must come."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def pushed(
    target: Target,
    files: Mapping[str, str],
    key: Path | None,
    timeouts: Timeouts | None = None,
    order: Order | None = None,
) -> tuple[Outcome, list[Step]]:
    """Push, and return how it ended with every step on the way."""

    async def alone() -> tuple[Outcome, list[Step]]:
        try:
            return await pushing(target, files, key, timeouts, order=order)
        finally:
            assert asyncio.all_tasks() == {asyncio.current_task()}, "a push left something running"

    return asyncio.run(alone())


async def pushing(
    target: Target,
    files: Mapping[str, str],
    key: Path | None,
    timeouts: Timeouts | None = None,
    watch: Watch | None = None,
    *,
    order: Order | None = None,
) -> tuple[Outcome, list[Step]]:
    steps: list[Step] = []

    async def note(step: Step) -> None:
        steps.append(step)
        if watch:
            await watch(step)

    outcome = await transport.push(
        target, files, note, key_path=key, timeouts=timeouts, order=order
    )
    return outcome, steps


def last(steps: list[Step]) -> dict[str, Step]:
    """The last word on each step, as an interface shows it."""
    return {step.name: step for step in steps}


@contextmanager
def boxes(folder: Path, **environment: str) -> Iterator[Boxes]:
    """Start the practice server; stop it at the end."""
    key = ensure_key(folder / "key")
    number = practice.port(folder)
    with serving(folder, key, **environment):
        yield Boxes(folder, key, number)


@contextmanager
def serving(folder: Path, key: Path, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "firewalls.device.practice", str(folder), str(key)]
    process = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        answers(practice.HOST, int((folder / "port").read_text()))
        yield process
    finally:
        process.terminate()
        process.wait(60)


def answers(host: str, port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection((host, port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@contextmanager
def sshd(
    folder: Path,
    command: str,
    name: str = "real",
    *,
    kind: str = "ssh-ed25519",
    authorized: str = "",
    strict: bool = False,
    ciphers: str = "",
    more: Mapping[str, object] | None = None,
) -> Iterator[tuple[Target, Path]]:
    """OpenSSH's own server, whose one key may run one command: the target, and the client's key.

    With `authorized`, the keys are those that the accounts have there, and `strict` asks who may
    write to them. `ciphers` are all it knows; `more` is what else its configuration says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    host, client = ensure_key(folder / "host", kind), ensure_key(folder / "client")
    (folder / "authorized").write_text(f'restrict,command="{command}" {public_line(client)}\n')
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    options = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": host,
        "PidFile": "none",
        "UsePAM": "no",
        "StrictModes": "yes" if strict else "no",
        "AuthorizedKeysFile": authorized or folder / "authorized",
        "PasswordAuthentication": "no",
        **({"Ciphers": ciphers} if ciphers else {}),
        **(more or {}),
    }
    (folder / "sshd_config").write_text(
        "".join(f"{name} {value}\n" for name, value in options.items())
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    server = subprocess.Popen(
        ["/usr/sbin/sshd", "-D", "-e", "-f", str(folder / "sshd_config")], stderr=subprocess.DEVNULL
    )
    try:
        answers("127.0.0.1", port)
        yield Target(name, "127.0.0.1", port, getpass.getuser(), public_line(host)), client
    finally:
        server.terminate()
        server.wait(60)


@dataclass
class Gate:
    """A way to a box that can be shut, and whose connections can be cut."""

    target: Target
    is_open: Callable[[int], bool] = lambda number: True
    connections: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def cut(self) -> None:
        for writer in self.writers:
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if not self.is_open(self.connections):
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(self.target.host, self.target.port)
        self.writers += [writer, back]
        await asyncio.gather(_copy(reader, back), _copy(there, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def gate(
    target: Target, is_open: Callable[[int], bool] = lambda number: True
) -> AsyncIterator[tuple[Gate, Target]]:
    """A gate before the target, and the target as it is reached through the gate.

    `is_open` is called with the connection's number, from 1.
    """
    through = Gate(target, is_open)
    server = await asyncio.start_server(through._pass, "127.0.0.1", 0)
    try:
        yield through, replace(target, host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    finally:
        server.close()
        through.cut()
        await asyncio.sleep(0.05)
