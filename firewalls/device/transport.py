"""The one way to a firewall: its applier over SSH. Pushes files and confirms them; inspects."""

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from firewalls.device.answers import Inspection, Need, Survey, text_of
from firewalls.device.connection import connected, described, output_of, run_command
from firewalls.device.outcomes import (
    LONGEST,
    Outcome,
    confirm_answer,
    never_confirmed,
    not_applied,
    unforeseen,
)
from firewalls.device.protocol import OnStep, Order, Progress, Step, packed
from firewalls.device.surveying import check, inspect, order_for, survey, surveyed_over
from firewalls.device.target import Stop, Target, Timeouts, TransportError, storable

log = logging.getLogger(__name__)

__all__ = [
    "Inspection",
    "Need",
    "Order",
    "Outcome",
    "Step",
    "Stop",
    "Survey",
    "Target",
    "Timeouts",
    "TransportError",
    "check",
    "inspect",
    "push",
    "survey",
]


async def push(
    target: Target,
    files: Mapping[str, str],
    on_step: OnStep,
    *,
    key_path: Path | None,
    timeouts: Timeouts | None = None,
    order: Order | None = None,
) -> Outcome:
    """Put the files on the firewall: connect, apply, and confirm over a new connection.

    Raises TransportError where the firewall has not begun; what on_step raises ends the push at
    once. A firewall that has begun is asked for its verdict until it must have rolled back, so the
    outcome says what was seen, never what was assumed.
    """
    attempt = _Attempt(
        target, key_path, timeouts or Timeouts(), Progress(on_step), order or Order()
    )
    return await attempt.end(files)


IN_THE_WAY = "check-units"  # the step that fails where units of others are in the way


@dataclass(frozen=True)
class _Interruption:
    """The connection ended before the applier had: during which step, and why."""

    step: str = ""
    problem: str = ""


@dataclass
class _Attempt:
    """One attempt to push to one firewall."""

    target: Target
    key_path: Path | None
    timeouts: Timeouts
    progress: Progress
    order: Order

    async def end(self, files: Mapping[str, str]) -> Outcome:
        """Push; where a mistake of this side ends that, nobody sees what the firewall does."""
        try:
            return await self.push(files)
        except (Stop, TransportError):
            raise
        except Exception as error:
            if not self.progress.token:
                raise
            log.exception("Something unforeseen went wrong with %s.", self.target)
            return Outcome("unseen", unforeseen(self.target.name, type(error).__name__))

    async def push(self, files: Mapping[str, str]) -> Outcome:
        interruption = await self._send(files)
        if self.progress.verdict == "unchanged":
            output = "The firewall has exactly this configuration already."
            await self.progress.step("confirm", "skipped", output)
            return Outcome("confirmed")
        if self.progress.verdict not in ("", "applied"):
            return not_applied(self.target.name, self.progress)
        if not self.progress.token:
            return Outcome("unseen", f"{self.target} applied, it says, and began with no token.")
        outcome = await self._confirm(interruption.problem)
        if interruption.step:
            # The box went on by itself; how the step went shows in how it ended.
            state = "skipped" if outcome.state == "confirmed" else "failed"
            output = f"Not seen to its end: {interruption.problem}"
            await self.progress.step(interruption.step, state, output)
        return outcome

    async def _send(self, files: Mapping[str, str]) -> _Interruption:
        """Connect and apply. Raises TransportError where the firewall has not begun."""
        target = self.target
        await self.progress.step("connect", "running")
        try:
            async with connected(target, self.key_path, self.timeouts) as connection:
                await self.progress.step("connect", "ok", described(target))
                if self.order.looks_first:
                    await self._survey(connection)
                await self._apply_as_understood(connection, packed(files))
                failed = self.progress.failed
                if failed and failed.name == IN_THE_WAY:
                    await self._survey(connection)
        except TransportError as error:
            interruption = _Interruption(self.progress.current, str(error))
            if self.progress.token:
                return interruption
            step = interruption.step or "connect"
            await self.progress.step(step, "failed", interruption.problem)
            raise
        return _Interruption()

    async def _apply_as_understood(
        self, connection: asyncssh.SSHClientConnection, archive: bytes
    ) -> None:
        """Run the applier, which may be one of another release. Raises TransportError."""
        await self._apply(connection, archive)
        again = await order_for(connection, self.target, self.timeouts, self.progress, self.order)
        if again:
            self.progress, self.order = Progress(self.progress.on_step), again
            await self._apply(connection, archive)

    async def _survey(self, connection: asyncssh.SSHClientConnection) -> None:
        """Look at what is there, where that is wanted. Raises TransportError."""
        if self.order.on_survey is None:
            return
        await self.progress.step("survey", "running")
        seen = await surveyed_over(connection, self.target, self.timeouts)
        if isinstance(seen, str):
            await self.progress.step("survey", "skipped", seen)
            return
        self.order.on_survey(seen)
        await self.progress.step("survey", "ok", "What it had is kept as revision 0.")

    async def _apply(self, connection: asyncssh.SSHClientConnection, archive: bytes) -> None:
        """Run the applier and read what it writes to its end. Raises TransportError."""
        command = self.order.command()
        rest = b""
        try:
            async with (
                asyncio.timeout(self.timeouts.apply) as limit,
                aclosing(run_command(connection, self.target, command, archive)) as chunks,
            ):
                async for chunk in chunks:
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        await self.progress.read(text_of(line))
        except TimeoutError as error:
            if not limit.expired():
                raise
            reason = f"{self.target} did not finish within {self.timeouts.apply:g} seconds."
            raise TransportError(reason) from error
        if not self.progress.verdict:
            reason = f"The connection to {self.target} ended before it had finished."
            raise TransportError(reason, unreachable=True)

    async def _confirm(self, problem: str) -> Outcome:
        """Say over a new connection that the firewall is still reached.

        Asks again and again, until the firewall must have rolled back.
        """
        deadline = time.monotonic() + self._longest_wait()
        await self.progress.step("confirm", "running", problem)
        while True:
            failure: TransportError | None = None
            try:
                answer = await self._ask_to_confirm()
            except TransportError as error:
                failure = error
                problem = str(error)
            else:
                if outcome := await self._ended(answer, problem):
                    return outcome
                problem = problem or f"{self.target.name} answered: {answer}"
            will_not_talk = failure is not None and not failure.unreachable
            if will_not_talk or time.monotonic() >= deadline:
                return await self._give_up(problem, failure)
            await self.progress.step("confirm", "running", problem)
            await asyncio.sleep(self.timeouts.ask_again)

    def _longest_wait(self) -> float:
        """Seconds after which it must have rolled back.

        An applier whose verdict was not seen may still be at it.
        """
        applying = 0 if self.progress.verdict else self.timeouts.apply
        return self.progress.rollback_seconds + self.timeouts.after_rollback + applying

    async def _ask_to_confirm(self) -> str:
        command = f"confirm {self.progress.token}"
        answer = await output_of(self.target, command, self.key_path, self.timeouts)
        lines = text_of(answer).splitlines()
        return storable(lines[-1], LONGEST) if lines else "nothing"

    async def _ended(self, answer: str, problem: str) -> Outcome | None:
        ending = confirm_answer(self.target.name, answer, self.progress.verdict, problem)
        if ending is None:
            return None
        await self.progress.step("confirm", ending.state, ending.output)
        return ending.outcome

    async def _give_up(self, problem: str, failure: TransportError | None) -> Outcome:
        await self.progress.step("confirm", "failed", problem)
        error = never_confirmed(self.target.name, self.progress.rollback_seconds, problem)
        return Outcome("unseen", error, failure)
