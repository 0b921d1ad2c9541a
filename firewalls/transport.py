"""The one way to a firewall: its applier over SSH (asyncssh), host key pinned, steps told as they happen."""

import asyncio
import base64
import io
import tarfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

CONNECT_SECONDS = 10
KEEPALIVE_SECONDS = 5
APPLY_SECONDS = 300
CONFIRM_SECONDS = 30
SHOWN_BYTES = 4_000_000


class TransportError(Exception):
    """The firewall was not reached, or would not talk; `unreachable` where it did not answer at all."""

    def __init__(self, message: str, *, unreachable: bool = False) -> None:
        super().__init__(message)
        self.unreachable = unreachable


@dataclass(frozen=True, slots=True)
class Target:
    """Where a firewall's SSH answers, and the only host key that is accepted there."""

    name: str
    host: str
    port: int
    user: str
    host_key: str
    practice: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a push: running, ok, failed, or skipped (the output says why)."""

    name: str
    state: str
    seconds: float = 0.0
    output: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a push ended: confirmed, rolled_back or failed, and for people, why."""

    state: str
    error: str = ""


OnStep = Callable[[Step], Awaitable[None]]


@dataclass
class _Told:
    """What the applier has told so far."""

    on_step: OnStep
    started: dict[str, float] = field(default_factory=dict)
    failed: Step | None = None
    verdict: str = ""
    token: str = ""

    async def line(self, line: str) -> None:
        words = line.rstrip("\n").split("\t")
        if words[0] == "step" and len(words) >= 4:  # noqa: PLR2004
            await self.step(words[1], words[2], base64.b64decode(words[3]).decode(errors="replace").strip())
        elif words[0] == "done" and len(words) >= 3:  # noqa: PLR2004
            self.verdict, self.token = words[1], words[2]

    async def step(self, name: str, state: str, output: str = "") -> None:
        now = time.monotonic()
        began = self.started.setdefault(name, now)
        step = Step(name, state, round(now - began, 3), output)
        if state == "failed" and self.failed is None:
            self.failed = step
        await self.on_step(step)


async def push(target: Target, files: Mapping[str, str], on_step: OnStep, *, key_path: Path) -> Outcome:
    """Bring the files to the firewall: connect, apply, and confirm from a new connection. Raises TransportError."""
    told = _Told(on_step)
    await told.step("connect", "running")
    try:
        async with _connected(target, key_path) as connection:
            await told.step("connect", "ok", f"{target.user}@{target.host}:{target.port}, host key as pinned")
            async with asyncio.timeout(APPLY_SECONDS):
                await _apply(connection, _packed(files), told)
    except TransportError as error:
        await told.step("connect", "failed", str(error))
        raise
    except TimeoutError as error:
        raise TransportError(f"{target.name} did not finish within {APPLY_SECONDS} seconds; it goes back by itself.") from error
    if told.verdict == "unchanged":
        await told.step("confirm", "skipped", "The firewall has exactly this configuration already.")
        return Outcome("confirmed")
    if told.verdict != "applied":
        return _refused(target, told)
    return await _confirm(target, told, key_path)


async def inspect(target: Target, *, key_path: Path) -> dict[str, str]:
    """The managed files that are on the firewall now, by path. Raises TransportError."""
    async with _connected(target, key_path) as connection:
        done = await connection.run("show", encoding=None, timeout=CONFIRM_SECONDS)
    packed = done.stdout
    if not packed or isinstance(packed, str):
        return {}
    with tarfile.open(fileobj=io.BytesIO(packed[:SHOWN_BYTES])) as archive:
        members = [(member, archive.extractfile(member)) for member in archive if member.isfile()]
        return {f"/{member.name}": content.read().decode(errors="replace") for member, content in members if content}


def _packed(files: Mapping[str, str]) -> bytes:
    """The files as a tar, always the same bytes for the same files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, text in sorted(files.items()):
            content = text.encode()
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(content), 0o640
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


async def _apply(connection: asyncssh.SSHClientConnection, packed: bytes, told: _Told) -> None:
    async with connection.create_process("apply", encoding=None) as process:
        process.stdin.write(packed)
        process.stdin.write_eof()
        async for line in process.stdout:
            await told.line(line.decode(errors="replace"))
        if not told.verdict:
            said = (await process.stderr.read(2000)).decode(errors="replace").strip()
            raise TransportError(said or "The connection was lost before the firewall had finished; it goes back by itself.")


async def _confirm(target: Target, told: _Told, key_path: Path) -> Outcome:
    """Say from a new connection that the firewall is still reached; what it does not hear of, it rolls back."""
    await told.step("confirm", "running")
    try:
        async with _connected(target, key_path) as connection:
            done = await connection.run(f"confirm {told.token}", timeout=CONFIRM_SECONDS)
    except (TransportError, asyncssh.Error, TimeoutError, OSError) as error:
        await told.step("confirm", "failed", str(error))
        return Outcome("rolled_back", f"{target.name} was not reached after the change, so it went back by itself: {error}")
    answer = str(done.stdout or "").strip()
    if answer == "confirmed":
        await told.step("confirm", "ok", "reached over a new connection")
        return Outcome("confirmed")
    await told.step("confirm", "failed", answer)
    return Outcome("rolled_back", f"{target.name} had rolled back before it was confirmed.")


def _refused(target: Target, told: _Told) -> Outcome:
    step = told.failed
    why = step.output.splitlines()[0] if step and step.output else "it gave no reason"
    if "roll-back" in told.started:
        return Outcome("rolled_back", f"{target.name} failed at {step.name if step else 'a step'} and went back: {why}")
    return Outcome("failed", f"{target.name} refused at {step.name if step else 'a step'}; nothing was changed: {why}")


@asynccontextmanager
async def _connected(target: Target, key_path: Path) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """A connection to the firewall and to no other: only the pinned host key counts."""
    where = f"{target.name} ({target.host}:{target.port})"
    if not (target.host and target.host_key):
        raise TransportError(f"{target.name} has no management address or no pinned host key yet; enter both first.")
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            connection = await asyncssh.connect(
                target.host, target.port, username=target.user, client_keys=[str(key_path)], agent_path=None, config=[],
                known_hosts=([asyncssh.import_public_key(target.host_key)], [], []), keepalive_interval=KEEPALIVE_SECONDS,
            )  # fmt: skip
    except asyncssh.HostKeyNotVerifiable as error:
        raise TransportError(f"{where} shows another host key than the pinned one. Find out why before anything is sent.") from error
    except asyncssh.PermissionDenied as error:
        raise TransportError(f"{where} does not accept the key of this product for user {target.user}.") from error
    except (OSError, TimeoutError, asyncssh.Error) as error:
        raise TransportError(f"{where} does not answer: {error or 'timed out'}", unreachable=True) from error
    async with connection:
        try:
            yield connection
        except (asyncssh.ConnectionLost, asyncssh.ChannelOpenError, ConnectionError) as error:
            raise TransportError(f"The connection to {where} was lost: {error}", unreachable=True) from error
