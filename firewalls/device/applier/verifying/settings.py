"""The kernel's settings, as the file for sysctl says."""

from __future__ import annotations

from .. import box
from . import differences

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .differences import Difference
    from .seeing import Seen, Wanted

NAME = "kernel settings"


def listed(text: str) -> list[tuple[str, str]]:
    """The settings in a file for sysctl, in its order."""
    pairs = []
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        key = key.strip().lstrip("-")
        if equals and not key.startswith(("#", ";")):
            pairs.append((key, " ".join(value.split())))
    return pairs


def value_now(key: str) -> str:
    """What the kernel has; nothing where it knows no such setting."""
    try:
        with open(f"{box.ROOT}/proc/sys/{key.replace('.', '/')}", encoding="utf-8") as file:
            return " ".join(file.read().split())
    except OSError:
        return ""


def lacking(wanted: Wanted, seen: Seen) -> list[Difference]:
    return [
        differences.setting(key, value, value_now(key) or "unknown")
        for key, value in dict(listed(wanted.settings)).items()
        if value_now(key) != value
    ]
