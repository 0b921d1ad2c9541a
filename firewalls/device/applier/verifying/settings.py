"""The kernel's settings, as the file for sysctl says."""

from __future__ import annotations

from .. import box, sysctls
from . import differences

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .differences import Difference
    from .seeing import Seen, Wanted

NAME = "kernel settings"


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
        for key, value in dict(sysctls.listed(wanted.settings)).items()
        if value_now(key) != value
    ]
