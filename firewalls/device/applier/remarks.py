"""What a step says of itself, and how it says that it cannot go on."""

from __future__ import annotations

_remarks: list[str] = []


class Failed(Exception):
    """A step cannot go on; the sentence says why, if its output does not."""


class Skipped(Exception):
    """A step cannot be taken here, or need not be; the sentence says why."""


def remark(text: str) -> None:
    """Add to the output of the step that runs."""
    if text:
        _remarks.append(text.rstrip("\n"))


def forget() -> None:
    """Another step begins."""
    _remarks.clear()


def output() -> str:
    """All that was said since the step began."""
    return "\n".join(_remarks)
