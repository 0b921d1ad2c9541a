"""What is sent to the applier and what it answers: lines of words with tabs between them.

    apply DIGEST ADOPTED…
                   takes a tar on standard input, and answers as it goes:
                   begin TOKEN SECONDS, then step NAME STATE OUTPUT for each, then done VERDICT.
                   ADOPTED are digests of units of others that may be moved aside for ours
    give-back DIGEST
                   the same, for what was there before the first push
    confirm TOKEN  keeps what was applied: confirmed, rolled back, failed, or unknown
    check          check NAME ok|note|failed|skipped TEXT for each thing that it needs, and end
    show           applier DIGEST PROTOCOL, file PATH CONTENT, applied NAME TEXT, running NAME TEXT,
                   and end
    version        DIGEST PROTOCOL; or DIGEST alone, as long ago
    survey         unit PATH TEXT, file PATH TEXT, now NAME TEXT, each whole or cut; taken-over
                   where a push was confirmed; and end

Outputs, contents and texts are base64.
"""

import io
import re
import tarfile
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

from firewalls.device import applier_file
from firewalls.device.answers import Survey, decoded
from firewalls.device.applier.archive import LARGEST
from firewalls.device.target import storable
from firewalls.device.versions import Version

MEGABYTE = 1_000_000
ROLLBACK_SECONDS = 60.0  # until the box itself has said how long it waits
LONGEST_ROLLBACK = 600  # seconds; who claims to wait longer is not waited for longer
MOST_STEPS, LONGEST_STEP, LONGEST_OUTPUT = 100, 40, 50_000  # of a push; characters
_TOKEN = re.compile(r"[A-Za-z0-9._-]{1,100}")
_SECONDS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a push: running, ok, failed, or skipped (the output says why)."""

    name: str
    state: str
    seconds: float = 0.0
    output: str = ""


OnStep = Callable[[Step], Awaitable[None]]


@dataclass
class Progress:
    """How far a push is, by the lines that the applier has written."""

    on_step: OnStep
    started: dict[str, float] = field(default_factory=dict)
    current: str = ""  # the step that runs
    failed: Step | None = None
    is_back: bool = True  # where it went back: all is as it was before
    verdict: str = ""
    token: str = ""
    rollback_seconds: float = ROLLBACK_SECONDS

    async def read(self, line: str) -> None:
        """Take in one line of the applier; anything else that a box may print is passed over."""
        match line.split("\t"):
            case ["begin", token, seconds, *_] if _begins(token, seconds):
                self.token = token
                self.rollback_seconds = float(min(int(seconds), LONGEST_ROLLBACK))
            case ["step", name, "running" | "ok" | "failed" | "skipped" as state, output, *_]:
                await self.step(name, state, decoded(output).strip())
            case ["done", verdict, *_]:
                self.verdict = verdict

    async def step(self, name: str, state: str, output: str = "") -> None:
        """Note a step of the applier's, or of this side's: connect and confirm."""
        name = storable(name[:LONGEST_STEP])
        if name not in self.started and len(self.started) >= MOST_STEPS:
            return
        output = storable(output, LONGEST_OUTPUT)
        now = time.monotonic()
        started = self.started.setdefault(name, now)
        step = Step(name, state, round(now - started, 3), output)
        self.current = name if state == "running" else ""
        if state == "failed" and self.failed is None:
            self.failed = step
        if state == "failed" and name == "roll-back":
            self.is_back = False
        await self.on_step(step)


def _begins(token: str, seconds: str) -> bool:
    return bool(_TOKEN.fullmatch(token) and _SECONDS.fullmatch(seconds))


@dataclass(frozen=True, slots=True)
class Order:
    """What a push is to do beyond putting files there.

    `adopted`: digests of units of others that a person has seen and that may be moved aside.
    `gives_back`: no files are put there, but what was there before the first push. `on_survey`:
    called with what the firewall has where it is looked at: before anything is sent if
    `looks_first`, and where units of others were in the way. `on_version`: called with the applier
    that has taken the order. `applier`: the digest that it is for, by which an applier knows that
    whoever sends knows it.
    """

    adopted: Collection[str] = ()
    gives_back: bool = False
    looks_first: bool = False
    on_survey: Callable[[Survey], None] | None = None
    on_version: Callable[[Version], None] | None = None
    applier: str = ""

    def command(self) -> str:
        """The command line of the applier."""
        if self.gives_back:
            return f"give-back {self.applier or applier_digest()}"
        return " ".join(["apply", self.applier or applier_digest(), *self.adopted])


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
