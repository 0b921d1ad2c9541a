"""Looking at a firewall: what it has of ours, what beside that, and what it lacks for a push."""

import asyncio
from dataclasses import replace
from pathlib import Path

import asyncssh

from firewalls.device.answers import Inspection, Need, Survey, inspection, needs, surveyed
from firewalls.device.connection import output_of, run_command
from firewalls.device.protocol import Order, Progress
from firewalls.device.target import Target, Timeouts, TransportError
from firewalls.device.versions import STEP, ours, version

COMMAND = "survey"


async def inspect(
    target: Target, *, key_path: Path | None, timeouts: Timeouts | None = None
) -> Inspection:
    """What is on the firewall now. Raises TransportError."""
    answer = await output_of(target, "show", key_path, timeouts or Timeouts())
    complete = inspection(answer)
    if complete is None:
        raise TransportError(f"{target} did not answer with its files.")
    if complete.version is None:
        answer = await output_of(target, STEP, key_path, timeouts or Timeouts())
        return replace(complete, version=version(answer))
    return complete


async def survey(
    target: Target, *, key_path: Path | None, timeouts: Timeouts | None = None
) -> Survey:
    """What the firewall has beside what is ours. Raises TransportError."""
    return _complete(target, await output_of(target, COMMAND, key_path, timeouts or Timeouts()))


async def check(
    target: Target, *, key_path: Path | None, timeouts: Timeouts | None = None
) -> tuple[Need, ...]:
    """Whether all is there that a push needs; nothing is changed. Raises TransportError."""
    answer = await output_of(target, "check", key_path, timeouts or Timeouts())
    seen = needs(answer)
    if seen is None:
        raise TransportError(
            f"{target} did not answer with what it needs; its applier may be an older one."
        )
    return seen


async def surveyed_over(
    connection: asyncssh.SSHClientConnection, target: Target, timeouts: Timeouts
) -> Survey | str:
    """The same, over a connection that is there; or why an applier refuses to say.

    That is one of another version, which refuses what comes next with a better reason. Raises
    TransportError.
    """
    answer = await _asked_over(connection, target, timeouts, COMMAND)
    return answer if isinstance(answer, str) else _complete(target, answer)


async def order_for(
    connection: asyncssh.SSHClientConnection,
    target: Target,
    timeouts: Timeouts,
    progress: Progress,
    order: Order,
) -> Order | None:
    """The order once more, where it was refused by another applier that is understood.

    That one has changed nothing, and takes the order in its own name. Raises TransportError.
    """
    note = order.on_version or (lambda version: None)
    if progress.failed is None or progress.failed.name != STEP:
        if STEP in progress.started:
            note(ours())
        return None
    answer = await _asked_over(connection, target, timeouts, STEP)
    seen = None if isinstance(answer, str) else version(answer)
    if seen is None:
        return None
    note(seen)
    if seen.is_ours or not seen.is_spoken:
        return None
    return replace(order, applier=seen.digest)


async def _asked_over(
    connection: asyncssh.SSHClientConnection, target: Target, timeouts: Timeouts, command: str
) -> bytes | str:
    """All that it writes, or in which words it refuses. Raises TransportError."""
    chunks = []
    try:
        async with asyncio.timeout(timeouts.answer):
            async for chunk in run_command(connection, target, command):
                chunks.append(chunk)
    except TimeoutError as error:
        reason = f"{target} did not answer within {timeouts.answer:g} seconds."
        raise TransportError(reason, unreachable=True) from error
    except TransportError as error:
        if error.unreachable or chunks:
            raise
        return str(error)
    return b"".join(chunks)


def _complete(target: Target, answer: bytes) -> Survey:
    complete = surveyed(answer)
    if complete is None:
        raise TransportError(f"{target} did not answer with what it has.")
    return complete
