"""What is measured of a sender of configurations: elapsed time, and its own CPU time and memory."""

import asyncio
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from firewalls.device import transport
from firewalls.device.transport import Step, Target, Timeouts

FIREWALLS = int(os.environ.get("BENCH_FIREWALLS", "200"))
# Twice a real firewall's, for one machine plays all of them.
ROLLBACK_SECONDS = int(os.environ.get("BENCH_ROLLBACK_SECONDS", "120"))
GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "drawing-1-one-consumer"
SAMPLE_SECONDS = 0.2
MIB = 2**20
Row = dict[str, object]


def configuration(number: int) -> dict[str, str]:
    """A firewall's files, other ones for each number."""
    frr = (GOLDEN / "frr.conf").read_text()
    nftables = (GOLDEN / "nftables.conf").read_text()
    return {
        "/etc/frr/frr.conf": frr.replace("hostname ", f"hostname x{number}-"),
        "/etc/nftables.conf": f"{nftables}# {number}\n",
    }


class PeakMemory:
    """The most memory that a process and its children have had at once; a thread samples it."""

    def __init__(self, pid: int) -> None:
        self.mib = 0.0
        self._process = psutil.Process(pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._done.wait(SAMPLE_SECONDS):
            try:
                family = [self._process, *self._process.children(recursive=True)]
            except psutil.NoSuchProcess:
                return
            self.mib = max(self.mib, sum(_resident(process) for process in family) / MIB)


def _resident(process: psutil.Process) -> int:
    """Bytes of memory; none if the process has ended."""
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


class Usage:
    """Elapsed time and CPU time since this was made.

    `who` is resource.RUSAGE_SELF for this process or resource.RUSAGE_CHILDREN for those it has
    waited for.
    """

    def __init__(self, who: int) -> None:
        self._who = who
        self._began = time.monotonic()
        self._cpu_before = self._cpu()

    def _cpu(self) -> float:
        usage = resource.getrusage(self._who)
        return usage.ru_utime + usage.ru_stime

    def row(self, sender: str, peak_mib: float) -> Row:
        elapsed = time.monotonic() - self._began
        cpu = self._cpu() - self._cpu_before
        return {
            "by": sender,
            "wall_s": round(elapsed, 1),
            "sender_cpu_ms_per_push": round(1000 * cpu / FIREWALLS, 1),
            "sender_peak_mib": round(peak_mib),
        }


def push_to_all(
    sender: str, targets: Sequence[Target], files: dict[str, str], key: Path, at_once: int
) -> Row:
    """By this product, on one event loop in this process."""
    usage = Usage(resource.RUSAGE_SELF)
    outcomes = asyncio.run(_push_to_all(targets, files, key, at_once))
    row = usage.row(sender, _own_peak_mib())
    if errors := [outcome.error for outcome in outcomes if outcome.state != "confirmed"]:
        raise SystemExit(f"{len(errors)} of {len(targets)} pushes failed, as this one: {errors[0]}")
    return row


async def _push_to_all(
    targets: Sequence[Target], files: dict[str, str], key: Path, at_once: int
) -> list[transport.Outcome]:
    timeouts = Timeouts(connect=120, apply=600, answer=120)
    turns = asyncio.Semaphore(at_once)

    async def push(target: Target) -> transport.Outcome:
        async with turns:
            return await transport.push(target, files, _ignore, key_path=key, timeouts=timeouts)

    return await asyncio.gather(*(push(target) for target in targets))


async def _ignore(step: Step) -> None:
    """Nobody watches the steps."""


def _own_peak_mib() -> float:
    """The most memory that this process has ever had; Linux counts it in KiB, macOS in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB


def run_command(sender: str, command: list[str], cwd: Path) -> Row:
    """By another program."""
    usage = Usage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    with PeakMemory(process.pid) as peak:
        output, _ = process.communicate()
    row = usage.row(sender, peak.mib)
    if process.returncode:
        raise SystemExit(output[-3000:])
    return row


def print_rows(title: str, rows: Sequence[Row]) -> None:
    print(f"\n{title}: {FIREWALLS} firewalls")
    for row in rows:
        print("  " + "  ".join(f"{name} {value}" for name, value in row.items()), flush=True)
