"""Which settings of the kernel another file overrides at boot: the file that sorts last wins."""

from __future__ import annotations

import os

from . import box, files

FOLDERS = ("etc", "run", "usr/local/lib", "usr/lib", "lib")  # the first that has a name counts


def overridden() -> list[str]:
    """A sentence for each setting of ours that is another one after the next boot."""
    import fnmatch

    ours = os.path.basename(box.SYSCTL)
    wanted = dict(_settings(files.text(f"{box.ROOT}/{box.SYSCTL}")))
    sentences = []
    for name, path in sorted(_later(ours).items()):
        for pattern, value in _settings(files.text(path)):
            sentences += [
                f"{path[len(box.ROOT) :]} sets {key} to {value} at boot, not {wanted[key]}. "
                f"Take it out there: {name} sorts after {ours}."
                for key in wanted
                if fnmatch.fnmatchcase(key, pattern) and wanted[key] != value
            ]
    return sentences


def _later(ours: str) -> dict[str, str]:
    """The files that are read after ours, by name."""
    later: dict[str, str] = {}
    for folder in FOLDERS:
        path = f"{box.ROOT}/{folder}/sysctl.d"
        for name in os.listdir(path) if os.path.isdir(path) else []:
            if name.endswith(".conf") and name > ours:
                later.setdefault(name, f"{path}/{name}")
    return later


def _settings(text: str) -> list[tuple[str, str]]:
    """Keys, or patterns of them, and values. The first of . and / parts a key (sysctl.d(5))."""
    settings = []
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith(("#", ";")):
            settings.append((_dotted(key.strip().lstrip("-")), value.strip()))
    return settings


def _dotted(key: str) -> str:
    swapped = key.translate({ord("."): "/", ord("/"): "."})
    return swapped if "/" in key.partition(".")[0] else key
