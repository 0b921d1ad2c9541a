"""What differs between two sets of files, as people and `patch` read it; what it interrupts."""

import re
from collections.abc import Mapping
from difflib import unified_diff

Files = Mapping[str, str]
_NAME = re.compile(r"^Name=(\S+)$", re.M)


def unified(before: Files, after: Files, old: str = "before", new: str = "after") -> dict[str, str]:
    """A unified diff per path that differs; a missing file counts as an empty one.

    `old` and `new` name the two.
    """
    paths = [path for path in sorted({*before, *after}) if before.get(path) != after.get(path)]
    return {
        path: _diff(path, before.get(path, ""), after.get(path, ""), old, new) for path in paths
    }


def _diff(path: str, before: str, after: str, old: str, new: str) -> str:
    old_lines = before.splitlines(keepends=True)
    new_lines = after.splitlines(keepends=True)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in unified_diff(old_lines, new_lines, path, path, old, new)
    )


def made_anew(before: Files, after: Files) -> list[str]:
    """The interfaces that both make, in different ways.

    systemd-networkd never changes how an interface was made, so it is removed and made again, and
    what passes through it stops for that moment.
    """
    units = [path for path in sorted(after) if path.endswith(".netdev") and path in before]
    changed = [path for path in units if before[path] != after[path]]
    return [name for path in changed for name in _NAME.findall(after[path])]
