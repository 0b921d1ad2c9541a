"""Practice firewalls for tests: the real server of firewalls.practice, in a process of its own."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from firewalls import practice, transport
from firewalls.ssh import ensure_key
from firewalls.transport import Outcome, Step, Target

GOOD = {
    "/etc/frr/frr.conf": "frr version 8.4.4\nfrr defaults datacenter\nhostname box\n!\nend\n",
    "/etc/nftables.conf": "add table inet metal\ndelete table inet metal\n\ntable inet metal {\n}\n",
}


@dataclass
class Boxes:
    """A running practice server and the key that opens it."""

    folder: Path
    key: Path
    port: int

    def target(self, name: str = "box") -> Target:
        practice.ensure_root(self.folder, name)
        return Target(name, practice.HOST, self.port, practice.user(name), practice.host_key(self.folder), practice=True)

    def file(self, path: str, name: str = "box") -> Path:
        return self.folder / name / path.lstrip("/")

    def push(self, files: Mapping[str, str] = GOOD, name: str = "box") -> tuple[Outcome, list[Step]]:
        return pushed(self.target(name), files, self.key)


def pushed(target: Target, files: Mapping[str, str], key: Path) -> tuple[Outcome, list[Step]]:
    """Push, and return how it ended with every step told on the way."""
    steps: list[Step] = []

    async def note(step: Step) -> None:
        steps.append(step)

    return asyncio.run(transport.push(target, files, note, key_path=key)), steps


@contextmanager
def boxes(folder: Path, **environment: str) -> Iterator[Boxes]:
    """Start the practice server; stop it at the end."""
    key = ensure_key(folder / "key")
    number = practice.port(folder)
    command = [sys.executable, "-m", "firewalls.practice", str(folder), str(key)]
    process = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        answers(practice.HOST, number)
        yield Boxes(folder, key, number)
    finally:
        process.terminate()
        process.wait(10)


def answers(host: str, port: int) -> None:
    deadline = time.monotonic() + 15
    while True:
        try:
            socket.create_connection((host, port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
