"""The one way to a firewall: its applier over SSH (asyncssh), host key pinned, steps told as they happen."""

import asyncio
import base64
import io
import tarfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from firewalls.device import applier_file
from firewalls.device.connection import (
    Target,
    Timeouts,
    TransportError,
    connected,
    output_of,
    run_command,
)

__all__ = [
    "Inspection",
    "Outcome",
    "Step",
    "Target",
    "Timeouts",
    "TransportError",
    "inspect",
    "push",
]

ROLLBACK_SECONDS = 60.0  # until the box itself has said how long it waits


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a push: running, ok, failed, or skipped (the output says why)."""

    name: str
    state: str
    seconds: float = 0.0
    output: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a push ended: confirmed, rolled_back or failed, and for people, why; `unreachable` if the firewall did not answer any more.

    `offered_key` is the host key that it showed and that is not the pinned one.
    """

    state: str
    error: str = ""
    unreachable: bool = False
    offered_key: str = ""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is on a firewall: the managed files by path, and by name what ran when they were applied and what runs now."""

    files: dict[str, str]
    running: dict[str, tuple[str, str]] = field(default_factory=dict)


OnStep = Callable[[Step], Awaitable[None]]


@dataclass
class _Told:
    """What the applier has told so far."""

    on_step: OnStep
    started: dict[str, float] = field(default_factory=dict)
    current: str = ""  # the step that runs
    failed: Step | None = None
    verdict: str = ""
    token: str = ""
    rollback_seconds: float = ROLLBACK_SECONDS

    async def line(self, line: str) -> None:
        """Take in one line of the applier; anything else that a box may print is passed over."""
        match line.split("\t"):
            case ["begin", token, seconds, *_] if seconds.isdigit():
                self.token, self.rollback_seconds = token, float(seconds)
            case ["step", name, "running" | "ok" | "failed" | "skipped" as state, output, *_]:
                await self.step(name, state, _decoded(output).strip())
            case ["done", verdict, *_]:
                self.verdict = verdict

    async def step(self, name: str, state: str, output: str = "") -> None:
        now = time.monotonic()
        step = Step(name, state, round(now - self.started.setdefault(name, now), 3), output)
        self.current = name if state == "running" else ""
        if state == "failed" and self.failed is None:
            self.failed = step
        await self.on_step(step)


def _decoded(output: str) -> str:
    try:
        return base64.b64decode(output).decode(errors="replace")
    except ValueError:
        return output


async def push(
    target: Target,
    files: Mapping[str, str],
    on_step: OnStep,
    *,
    key_path: Path | None,
    timeouts: Timeouts | None = None,
) -> Outcome:
    """Bring the files to the firewall: connect, apply, and confirm from a new connection.

    Raises TransportError where the box has not begun; what on_step raises ends the push at once. A box that has begun is
    asked for its verdict until it must have rolled back, so the outcome says what was seen, never what was assumed.
    """
    told, timeouts = _Told(on_step), timeouts or Timeouts()
    await told.step("connect", "running")
    cut, problem = "", ""
    try:
        async with connected(target, key_path, timeouts) as connection:
            await told.step(
                "connect", "ok", f"{target.user}@{target.host}:{target.port}, host key as pinned"
            )
            await _apply(connection, target, _packed(files), told, timeouts)
    except TransportError as error:
        cut, problem = told.current, str(error)
        if not told.token:
            await told.step(cut or "connect", "failed", problem)
            raise
    if told.verdict == "unchanged":
        await told.step(
            "confirm", "skipped", "The firewall has exactly this configuration already."
        )
        return Outcome("confirmed")
    if told.verdict in ("", "applied"):
        outcome = await _confirmed(target, told, problem, key_path, timeouts)
        if cut:  # The box went on by itself; how the step went shows in how it ended.
            await told.step(
                cut,
                "skipped" if outcome.state == "confirmed" else "failed",
                f"Not seen to its end: {problem}",
            )
        return outcome
    return _refused(target, told)


async def inspect(
    target: Target, *, key_path: Path | None, timeouts: Timeouts | None = None
) -> Inspection:
    """What is on the firewall now. Raises TransportError."""
    said = (
        (await output_of(target, "show", key_path, timeouts or Timeouts()))
        .decode(errors="replace")
        .splitlines()
    )
    found: dict[str, dict[str, str]] = {"file": {}, "applied": {}, "running": {}}
    for line in said:
        match line.split("\t"):
            case ["file" | "applied" | "running" as kind, name, content, *_]:
                found[kind][name] = _decoded(content)
    if "end" not in said:
        raise TransportError(f"{target} did not answer with its files.")
    names = sorted(found["applied"].keys() & found["running"].keys())
    return Inspection(
        found["file"], {name: (found["applied"][name], found["running"][name]) for name in names}
    )


def applier_digest() -> str:
    """SHA-256 of the applier that this product speaks with."""
    return applier_file.digest()


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


async def _apply(
    connection: asyncssh.SSHClientConnection,
    target: Target,
    packed: bytes,
    told: _Told,
    timeouts: Timeouts,
) -> None:
    rest = b""
    try:
        async with (
            asyncio.timeout(timeouts.apply) as limit,
            aclosing(
                run_command(connection, target, f"apply {applier_digest()}", packed)
            ) as chunks,
        ):
            async for chunk in chunks:
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    await told.line(line.decode(errors="replace"))
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise TransportError(
            f"{target} did not finish within {timeouts.apply:g} seconds."
        ) from error
    if not told.verdict:
        raise TransportError(
            f"The connection to {target} ended before it had finished.", unreachable=True
        )


async def _confirmed(
    target: Target, told: _Told, problem: str, key_path: Path | None, timeouts: Timeouts
) -> Outcome:
    """Say over a new connection that the firewall is still reached, and go on asking until it must have rolled back."""
    wait = told.rollback_seconds + timeouts.after_rollback + (0 if told.verdict else timeouts.apply)
    deadline, unreachable, offered = time.monotonic() + wait, False, ""
    await told.step("confirm", "running", problem)
    while True:
        try:
            lines = (
                (await output_of(target, f"confirm {told.token}", key_path, timeouts))
                .decode(errors="replace")
                .splitlines()
            )
            said = lines[-1] if lines else "nothing"
            if outcome := await _ended(target, told, said, problem):
                return outcome
            problem, unreachable = problem or f"{target.name} answered: {said}", False
        except TransportError as error:
            problem, unreachable, offered = str(error), error.unreachable, error.offered_key
            if not unreachable:
                break
        if time.monotonic() >= deadline:
            break
        await told.step("confirm", "running", problem)
        await asyncio.sleep(timeouts.again)
    await told.step("confirm", "failed", problem)
    unseen = f"It goes back by itself {told.rollback_seconds:g} seconds after applying, but that was not seen."
    return Outcome(
        "failed",
        f"{target.name} could not be asked to keep its new configuration: {problem} {unseen}",
        unreachable,
        offered,
    )


async def _ended(target: Target, told: _Told, said: str, problem: str) -> Outcome | None:
    """What the box says has become of this push; None while it cannot say."""
    if said == "confirmed":
        await told.step("confirm", "ok", "reached over a new connection")
        return Outcome("confirmed")
    because = f": {problem}" if problem else "."
    if said == "rolled back":
        await told.step(
            "confirm", "failed", f"The firewall has gone back to what it had before{because}"
        )
        return Outcome(
            "rolled_back",
            f"{target.name} was not confirmed in time and has gone back to what it had before{because}",
        )
    if said == "failed":
        await told.step("confirm", "failed", "The firewall has refused; nothing was changed.")
        return Outcome(
            "failed", f"{target.name} refused; nothing was changed. Why was not heard{because}"
        )
    if said == "unknown" and told.verdict == "applied":
        await told.step("confirm", "failed", "A later push has replaced this one.")
        return Outcome(
            "failed",
            f"{target.name} was given another configuration before this one was confirmed.",
        )
    return None


def _refused(target: Target, told: _Told) -> Outcome:
    name = told.failed.name if told.failed else "a step"
    why = (
        told.failed.output.splitlines()[0]
        if told.failed and told.failed.output
        else "it gave no reason"
    )
    match told.verdict:
        case "failed":
            return Outcome("failed", f"{target.name} refused at {name}; nothing was changed: {why}")
        case "rolled-back":
            return Outcome("rolled_back", f"{target.name} failed at {name} and went back: {why}")
        case _:
            return Outcome(
                "failed",
                f"{target.name} failed at {name} and could not go back yet; it tries again by itself: {why}",
            )
