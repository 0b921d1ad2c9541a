"""What a file for sysctl says (sysctl.d(5)): pure, from its text."""

from __future__ import annotations


def listed(text: str) -> list[tuple[str, str]]:
    """Keys with dots, which may be patterns, and values, in the order of the file.

    The first of . and / parts a key. A dash before it means that a failure to set it is no error.
    """
    pairs = []
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        key = key.strip().lstrip("-")
        if equals and not key.startswith(("#", ";")):
            pairs.append((_dotted(key), " ".join(value.split())))
    return pairs


def overridden(ours: str, theirs: str) -> dict[str, str]:
    """The keys of ours to which another file gives another value, and that value."""
    import fnmatch

    wanted = dict(listed(ours))
    return {
        key: value
        for pattern, value in listed(theirs)
        for key in wanted
        if fnmatch.fnmatchcase(key, pattern) and wanted[key] != value
    }


def _dotted(key: str) -> str:
    swapped = key.translate({ord("."): "/", ord("/"): "."})
    return swapped if "/" in key.partition(".")[0] else key
