"""What is measured of a sender: wall time, and its own CPU time and memory, for the same configurations."""

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
ROLLBACK_SECONDS = int(
    os.environ.get("BENCH_ROLLBACK_SECONDS", "120")
)  # twice a real firewall's: one machine plays all of them
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "drawing-1-one-consumer"
Row = dict[str, object]


def files(number: int) -> dict[str, str]:
    """A firewall's configuration, another one for each number."""
    return {
        "/etc/frr/frr.conf": (GOLDEN / "frr.conf")
        .read_text()
        .replace("hostname ", f"hostname x{number}-"),
        "/etc/nftables.conf": (GOLDEN / "nftables.conf").read_text() + f"# {number}\n",
    }


async def silent(step: Step) -> None:
    """Nobody listens."""


class Peak:
    """The most memory that another process and its children have had at once, in MiB; a thread samples it."""

    def __init__(self, pid: int) -> None:
        self.most, self.process, self.done = 0.0, psutil.Process(pid), threading.Event()
        self.thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "Peak":
        self.thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.done.set()
        self.thread.join()

    def _sample(self) -> None:
        while not self.done.wait(0.2):
            try:
                family = [self.process, *self.process.children(recursive=True)]
            except psutil.NoSuchProcess:
                return
            total = 0
            for process in family:
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    continue
            self.most = max(self.most, total / 2**20)


def row(
    who: str,
    wall: float,
    before: resource.struct_rusage,
    after: resource.struct_rusage,
    memory: float,
) -> Row:
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "by": who,
        "wall_s": round(wall, 1),
        "sender_cpu_ms_per_push": round(1000 * cpu / FIREWALLS, 1),
        "sender_peak_mib": round(memory),
    }


def pushed(
    who: str, targets: Sequence[Target], texts: dict[str, str], key: Path, at_once: int
) -> Row:
    """By this product, on one event loop in this process."""
    timeouts = Timeouts(connect=120, apply=600, answer=120)

    async def every() -> list[transport.Outcome]:
        turns = asyncio.Semaphore(at_once)

        async def one(target: Target) -> transport.Outcome:
            async with turns:
                return await transport.push(target, texts, silent, key_path=key, timeouts=timeouts)

        return await asyncio.gather(*(one(target) for target in targets))

    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    outcomes = asyncio.run(every())
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    if bad := [outcome.error for outcome in outcomes if outcome.state != "confirmed"]:
        raise SystemExit(f"{len(bad)} of {len(targets)} pushes failed, as this one: {bad[0]}")
    return row(
        who, wall, before, after, after.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    )


def by_command(who: str, command: list[str], cwd: Path) -> Row:
    """By another program."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    with Peak(process.pid) as peak:
        said, _ = process.communicate()
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(said[-3000:])
    return row(who, wall, before, after, peak.most)


def shown(title: str, rows: Sequence[Row]) -> None:
    print(f"\n{title}: {FIREWALLS} firewalls")
    for one in rows:
        print("  " + "  ".join(f"{name} {value}" for name, value in one.items()), flush=True)
