"""What differs between two sets of files, as people and `patch` read it."""

from collections.abc import Mapping
from difflib import unified_diff

Files = Mapping[str, str]


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
