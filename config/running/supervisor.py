"""Runs a handful of processes as one: prefixes what they say, starts again what dies, stops all of them on one signal.

They stay in the supervisor's session, each in a process group of its own, by which it is killed with all it started. Linux shares the
processors out evenly between sessions (autogroups), however nice their processes are: only within one is it settled who goes first.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from types import FrameType

STOP_SECONDS = 8.0
LONGEST_PAUSE = 15.0
LOOK_SECONDS = 2.0
HEALTHY_AFTER = 30.0  # seconds of life after which a death is no sign of a crash loop
PR_SET_PDEATHSIG = 1
COLOURS = (36, 35, 33, 32, 34)
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass
class Program:
    """One process to keep running."""

    name: str
    command: Sequence[str]
    nicer: int = 0  # by so much than the supervisor, with all it starts
    process: "subprocess.Popen[str] | None" = None
    started: float = 0.0
    deaths: int = 0
    due: float = 0.0


@dataclass
class Supervisor:
    """Keeps the programs running until it is told to stop. `ready` is called once, when `is_ready` first says so."""

    programs: list[Program]
    mend: Callable[
        [], list[str]
    ]  # what else must run is looked at now and then, and started again by this
    is_ready: Callable[[], bool]
    ready: Callable[[], None]
    stopping: threading.Event = field(default_factory=threading.Event)
    look_again: float = 0.0

    def run(self) -> None:
        """Run until SIGINT or SIGTERM; returns when every program has ended."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop_soon)
        threading.Thread(target=self._announce, daemon=True).start()
        try:
            while not self.stopping.is_set():
                self._mend()
                for program in self.programs:
                    self._keep(program)
                self.stopping.wait(0.2)
        finally:
            self._end()

    def _stop_soon(self, number: int, frame: FrameType | None) -> None:
        self.stopping.set()

    def _announce(self) -> None:
        while not self.stopping.is_set():
            if self.is_ready():
                self.ready()
                return
            time.sleep(0.3)

    def _mend(self) -> None:
        if time.monotonic() < self.look_again:
            return
        try:
            for name in self.mend():
                say("up", f"{name} ended; started it again")
        except (
            subprocess.SubprocessError,
            OSError,
        ) as error:  # its last children may still be going: look again soon
            say("up", f"a server ended and does not start yet: {error}")
        self.look_again = time.monotonic() + LOOK_SECONDS

    def _keep(self, program: Program) -> None:
        now = time.monotonic()
        if program.process is not None:
            if (status := program.process.poll()) is None:
                return
            program.deaths = 1 if now - program.started > HEALTHY_AFTER else program.deaths + 1
            pause = min(LONGEST_PAUSE, 0.5 * 2 ** (program.deaths - 1))
            program.process, program.due = None, now + pause
            say("up", f"{program.name} ended ({_why(status)}); starting it again in {pause:g} s")
        if now >= program.due:
            self._start(program)

    def _start(self, program: Program) -> None:
        program.started = time.monotonic()
        program.process = subprocess.Popen(
            program.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
            preexec_fn=partial(_settle, program.nicer),  # noqa: PLW1509 - calls the kernel, nothing else
        )
        threading.Thread(target=_relay, args=(program,), daemon=True).start()

    def _end(self) -> None:
        """Ask each to stop, in order; what does not within the time is killed with all it started."""
        running = [
            program
            for program in self.programs
            if program.process and program.process.poll() is None
        ]
        for program in running:
            assert program.process is not None
            with suppress(ProcessLookupError):
                program.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for program in running:
            assert program.process is not None
            with suppress(subprocess.TimeoutExpired):
                program.process.wait(max(0.0, deadline - time.monotonic()))
            with suppress(ProcessLookupError):
                os.killpg(program.process.pid, signal.SIGKILL)
            program.process.wait()


def say(name: str, line: str) -> None:
    """One line of output, with the name of who says it."""
    colour = COLOURS[sum(map(ord, name)) % len(COLOURS)]
    mark = f"\033[{colour}m{name:>8}\033[0m" if sys.stdout.isatty() else f"{name:>8}"
    print(f"{mark}  {line}", flush=True)


def _relay(program: Program) -> None:
    assert program.process is not None and program.process.stdout is not None
    for line in program.process.stdout:
        say(program.name, line.rstrip())


def _why(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def _settle(nicer: int) -> None:
    """In the child: let others go first, and (Linux) end with a supervisor that is killed, so that the next one finds the ports free."""
    os.nice(nicer)
    if _libc:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
