"""Runs a handful of processes as one.

Prefixes what they print, starts again what dies, and stops all of them on one signal. They stay in
the supervisor's session, each in a process group of its own, by which it is killed with all it
started. Linux shares the processors out evenly between sessions (autogroups), however nice their
processes are: only within one is it settled who goes first.
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
MEND_EVERY_SECONDS = 2.0
HEALTHY_AFTER = 30.0  # seconds of life after which a death is no sign of a crash loop
PR_SET_PDEATHSIG = 1
COLOURS = (36, 35, 33, 32, 34)
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass
class Program:
    """One process to keep running."""

    name: str
    command: Sequence[str]
    nicer: int = 0  # than the supervisor by so much, with all it starts
    process: "subprocess.Popen[str] | None" = None
    started: float = 0.0
    deaths: int = 0
    due: float = 0.0

    def end(self) -> float:
        """Note that the process ended. Returns the seconds until the next start."""
        now = time.monotonic()
        was_healthy = now - self.started > HEALTHY_AFTER
        self.deaths = 1 if was_healthy else self.deaths + 1
        pause = min(LONGEST_PAUSE, 0.5 * 2 ** (self.deaths - 1))
        self.process = None
        self.due = now + pause
        return pause


@dataclass
class Supervisor:
    """Keeps the programs running until it is asked to stop.

    `mend` starts again whatever else must run, and returns its names; it is called now and then.
    `ready` is called once, when `is_ready` is first true.
    """

    programs: list[Program]
    mend: Callable[[], list[str]]
    is_ready: Callable[[], bool]
    ready: Callable[[], None]
    stopping: threading.Event = field(default_factory=threading.Event)
    mend_due: float = 0.0

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
        if time.monotonic() < self.mend_due:
            return
        try:
            for name in self.mend():
                say("up", f"{name} ended; started it again")
        except (subprocess.SubprocessError, OSError) as error:
            # Its last children may still be going: the next attempt is soon.
            say("up", f"a server ended and does not start yet: {error}")
        self.mend_due = time.monotonic() + MEND_EVERY_SECONDS

    def _keep(self, program: Program) -> None:
        if program.process is not None:
            status = program.process.poll()
            if status is None:
                return
            pause = program.end()
            say("up", f"{program.name} ended ({_why(status)}); starting it again in {pause:g} s")
        if time.monotonic() >= program.due:
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
            # It calls the kernel and nothing else, so it is safe beside threads.
            preexec_fn=partial(_settle, program.nicer),  # noqa: PLW1509
        )
        threading.Thread(target=_relay, args=(program,), daemon=True).start()

    def _end(self) -> None:
        """Ask each to stop, in order; what takes too long is killed with all it started."""
        processes = [program.process for program in self.programs if program.process]
        running = [process for process in processes if process.poll() is None]
        for process in running:
            with suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def say(name: str, line: str) -> None:
    """Print one line of output with the name of the program that it is of."""
    prefix = f"{name:>8}"
    if sys.stdout.isatty():
        colour = COLOURS[sum(map(ord, name)) % len(COLOURS)]
        prefix = f"\033[{colour}m{prefix}\033[0m"
    print(f"{prefix}  {line}", flush=True)


def _relay(program: Program) -> None:
    assert program.process is not None and program.process.stdout is not None
    for line in program.process.stdout:
        say(program.name, line.rstrip())


def _why(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def _settle(nicer: int) -> None:
    """In the child: let others go first; and end with a supervisor that is killed (Linux only).

    Or else the next one would find the ports in use.
    """
    os.nice(nicer)
    if _libc:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
