"""What a firewall answers when it is looked at: all of it, or nothing that counts."""

import base64
from dataclasses import dataclass, field

from firewalls.device.target import storable
from firewalls.device.versions import Version, version_of

LONGEST_TEXT = 200_000  # characters of what a firewall has of others


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is on a firewall.

    `files`: the managed files by path. `running`: by name, what ran when they were applied and what
    runs now. `version`: the applier that says so, unless it is an older one.
    """

    files: dict[str, str]
    running: dict[str, tuple[str, str]] = field(default_factory=dict)
    version: Version | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a firewall needs: ok, note, failed or skipped, and what was seen there."""

    name: str
    state: str
    text: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What a firewall has beside what is ours.

    `units`: those of others, by path. `files`: what ours replace or meet, by path. `now`: what runs
    and is set, by name. `cut`: of which of them only the beginning is known. `taken_over`: it says
    that a push was confirmed there.
    """

    units: dict[str, str]
    files: dict[str, str]
    now: dict[str, str]
    cut: list[str]
    taken_over: bool


def inspection(answer: bytes) -> Inspection | None:
    """What the answer to `show` says; None if it is not complete."""
    lines = _lines(answer)
    if "end" not in lines:
        return None
    sections: dict[str, dict[str, str]] = {"file": {}, "applied": {}, "running": {}}
    version = None
    for line in lines:
        match line.split("\t"):
            case ["applier", *words]:
                version = version_of(words)
            case ["file" | "applied" | "running" as section, name, content, *_]:
                sections[section][name] = decoded(content)
    applied = sections["applied"]
    running = sections["running"]
    names = sorted(applied.keys() & running.keys())
    both = {name: (applied[name], running[name]) for name in names}
    return Inspection(sections["file"], both, version)


def needs(answer: bytes) -> tuple[Need, ...] | None:
    """What the answer to `check` says; None if it is not complete."""
    lines = _lines(answer)
    if "end" not in lines:
        return None
    seen = []
    for line in lines:
        match line.split("\t"):
            case ["check", name, "ok" | "note" | "failed" | "skipped" as state, text, *_]:
                seen.append(Need(name, state, decoded(text)))
    return tuple(seen)


def surveyed(answer: bytes) -> Survey | None:
    """What the answer to `survey` says; None if it is not complete."""
    lines = _lines(answer)
    if "end" not in lines:
        return None
    sections: dict[str, dict[str, str]] = {"unit": {}, "file": {}, "now": {}}
    cut = []
    for line in lines:
        match line.split("\t"):
            case ["unit" | "file" | "now" as section, name, content, whole, *_]:
                text = decoded(content)
                sections[section][name] = text[:LONGEST_TEXT]
                cut += [] if whole == "whole" and len(text) <= LONGEST_TEXT else [name]
    return Survey(sections["unit"], sections["file"], sections["now"], cut, "taken-over" in lines)


def _lines(answer: bytes) -> list[str]:
    """Lines of words: what ends one is a line feed, and no other character that a box may send."""
    return [line.removesuffix("\r") for line in text_of(answer).split("\n")]


def text_of(words: bytes) -> str:
    """What a firewall has written, as text that can be stored."""
    return storable(words.decode(errors="replace"))


def decoded(text: str) -> str:
    """A word of its lines as the text that it stands for; itself where it stands for none."""
    try:
        return text_of(base64.b64decode(text))
    except ValueError:
        return text
