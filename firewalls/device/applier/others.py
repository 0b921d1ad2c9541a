"""What is on this box that is not ours: units of systemd-networkd, and the devices there are."""

from __future__ import annotations

import os

from . import box, claims, files, masking
from .remarks import Failed

# As networkd reads them: a file hides those of the same name in the folders after it.
FOLDERS = (
    box.UNITS,
    "run/systemd/network",
    "usr/local/lib/systemd/network",
    "usr/lib/systemd/network",
)
MOST_UNITS = 2000
SHORT = 32  # hexadecimal digits by which a unit is adopted
MOST_NAMED = 4  # units that a refusal names


def units() -> dict[str, str]:
    """The units of others that networkd reads here, by path without the first slash."""
    found: dict[str, str] = {}
    names: set[str] = set()
    for folder in FOLDERS:
        for name in _names(folder):
            path = f"{folder}/{name}"
            if name in names or files.managed(path):
                continue
            names.add(name)
            content = files.read(box.ROOT, path)
            if content is not None and len(found) < MOST_UNITS:
                found[path] = content.decode(errors="surrogateescape")
    return found


def _names(folder: str) -> list[str]:
    try:
        names = sorted(os.listdir(f"{box.ROOT}/{folder}"))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [name for name in names if name.endswith(claims.KINDS)]


def macs() -> dict[str, str]:
    """The MAC address of each device that this box has."""
    folder = f"{box.ROOT}/sys/class/net"
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return {name: files.text(f"{folder}/{name}/address").strip() for name in sorted(names)}


def digest(path: str, text: str) -> str:
    """By which a person who has seen a unit adopts just that one, as it was.

    A secret in it is no part of what was seen.
    """
    import hashlib

    content = f"{path}\0{masking.masked(text)}".encode(errors="surrogateescape")
    return hashlib.sha256(content).hexdigest()[:SHORT]


def in_the_way(folder: str, foreign: dict[str, str]) -> dict[str, str]:
    """Which of these units are in the way of those in a folder, and why."""
    ours = {name: text.decode(errors="replace") for name, text in files.contents(folder).items()}
    by_address = any("MACAddress" in text for text in foreign.values())
    return claims.claims(ours, foreign, macs() if by_address else {})


def must_be_adopted(folder: str, adopted: list[str]) -> list[str]:
    """The units in the way of those in a folder, all adopted by a person. Raises Failed.

    `adopted`: the digests of the units that were.
    """
    foreign = units()
    found = in_the_way(folder, foreign)
    refused = [path for path in found if digest(path, foreign[path]) not in adopted]
    if refused:
        named = "; ".join(f"/{path} {found[path]}" for path in refused[:MOST_NAMED])
        more = f"; and {len(refused) - MOST_NAMED} more" if len(refused) > MOST_NAMED else ""
        raise Failed(
            "Units of somebody else set up devices that this configuration needs, and nobody has"
            f" taken them over: {named}{more}. Look at what the firewall has, and take it over."
        )
    return list(found)
