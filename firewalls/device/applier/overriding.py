"""Which settings of the kernel another file overrides at boot: the file that sorts last wins."""

from __future__ import annotations

import os

from . import box, files, sysctls

FOLDERS = ("etc", "run", "usr/local/lib", "usr/lib", "lib")  # the first that has a name counts
OURS = os.path.basename(box.SYSCTL)
LINKED = "sysctl.conf"  # in /etc; Debian links to it from 99-sysctl.conf


def overridden() -> list[str]:
    """A sentence for each setting of ours that is another one after the next boot."""
    ours = files.text(f"{box.ROOT}/{box.SYSCTL}")
    wanted = dict(sysctls.listed(ours))
    return [
        f"{path[len(box.ROOT) :]} sets {key} to {value} at boot, not {wanted[key]}. "
        f"Take it out there: {name} sorts after {OURS}."
        for name, path in sorted(_later().items())
        for key, value in sysctls.overridden(ours, files.text(path)).items()
    ]


def comes_later(name: str) -> bool:
    """Whether a file of this name is read after ours at boot."""
    return name > OURS or name == LINKED


def _later() -> dict[str, str]:
    """The files that are read after ours, by name."""
    later: dict[str, str] = {}
    for folder in FOLDERS:
        path = f"{box.ROOT}/{folder}/sysctl.d"
        for name in os.listdir(path) if os.path.isdir(path) else []:
            if name.endswith(".conf") and comes_later(name):
                later.setdefault(name, f"{path}/{name}")
    return later
