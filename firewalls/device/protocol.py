"""What is sent to the applier and what it answers: lines of words with tabs between them.

    apply DIGEST   takes a tar on standard input, and answers as it goes:
                   begin TOKEN SECONDS, then step NAME STATE OUTPUT for each, then done VERDICT
    confirm TOKEN  keeps what was applied: confirmed, rolled back, failed, or unknown
    show           file PATH CONTENT, applied NAME TEXT, running NAME TEXT, and end

Outputs, contents and texts are base64.
"""

import base64
import io
import tarfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from firewalls.device import applier_file
from firewalls.device.applier.archive import LARGEST

MEGABYTE = 1_000_000
ROLLBACK_SECONDS = 60.0  # until the box itself has said how long it waits


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a push: running, ok, failed, or skipped (the output says why)."""

    name: str
    state: str
    seconds: float = 0.0
    output: str = ""


OnStep = Callable[[Step], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is on a firewall.

    `files`: the managed files by path. `running`: by name, what ran when they were applied and what
    runs now.
    """

    files: dict[str, str]
    running: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass
class Progress:
    """How far a push is, by the lines that the applier has written."""

    on_step: OnStep
    started: dict[str, float] = field(default_factory=dict)
    current: str = ""  # the step that runs
    failed: Step | None = None
    verdict: str = ""
    token: str = ""
    rollback_seconds: float = ROLLBACK_SECONDS

    async def read(self, line: str) -> None:
        """Take in one line of the applier; anything else that a box may print is passed over."""
        match line.split("\t"):
            case ["begin", token, seconds, *_] if seconds.isdigit():
                self.token = token
                self.rollback_seconds = float(seconds)
            case ["step", name, "running" | "ok" | "failed" | "skipped" as state, output, *_]:
                await self.step(name, state, _decoded(output).strip())
            case ["done", verdict, *_]:
                self.verdict = verdict

    async def step(self, name: str, state: str, output: str = "") -> None:
        """Note a step of the applier's, or of this side's: connect and confirm."""
        now = time.monotonic()
        started = self.started.setdefault(name, now)
        step = Step(name, state, round(now - started, 3), output)
        self.current = name if state == "running" else ""
        if state == "failed" and self.failed is None:
            self.failed = step
        await self.on_step(step)


def inspection(answer: bytes) -> Inspection | None:
    """What the answer to `show` says; None if it is not complete."""
    lines = answer.decode(errors="replace").splitlines()
    if "end" not in lines:
        return None
    sections: dict[str, dict[str, str]] = {"file": {}, "applied": {}, "running": {}}
    for line in lines:
        match line.split("\t"):
            case ["file" | "applied" | "running" as section, name, content, *_]:
                sections[section][name] = _decoded(content)
    applied = sections["applied"]
    running = sections["running"]
    names = sorted(applied.keys() & running.keys())
    return Inspection(sections["file"], {name: (applied[name], running[name]) for name in names})


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text).decode(errors="replace")
    except ValueError:
        return text


def applier_digest() -> str:
    """SHA-256 of the applier that this product speaks with."""
    return applier_file.digest()


def packed(files: Mapping[str, str]) -> bytes:
    """The files as a tar, always the same bytes for the same files."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, text in sorted(files.items()):
            content = text.encode()
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size = len(content)
            member.mode = 0o640
            tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def too_large(files: Mapping[str, str]) -> str:
    """A sentence where the applier would not take so much; nothing where it would."""
    size = len(packed(files))
    if size <= LARGEST:
        return ""
    return (
        f"The configuration has {size / MEGABYTE:.1f} MB, and a firewall takes "
        f"{LARGEST / MEGABYTE:.1f} MB. Most of it are rules: give one rule several ports and "
        "prefixes instead of many rules, or leave external networks that are not needed."
    )
