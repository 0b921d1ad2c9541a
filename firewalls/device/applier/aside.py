"""Units of others that make way for ours: moved aside, and given back as they were.

A unit that a package or a generator has put elsewhere is hidden, as systemd means it to be done, by
a link to /dev/null of the same name. A device cannot change its kind, its table or its number in
place, so those that units made which come or go are made anew.
"""

from __future__ import annotations

import os

from . import box, claims, files, tools

ASIDE = f"{box.STATE}/aside"
ANEW = f"{box.STATE}/anew"  # there while networkd has to forget the devices of such units
NOTHING = "/dev/null"
SLASH = "%"  # in the name of a file that lies aside


def names() -> list[str]:
    """The units that are aside."""
    listed = os.listdir(ASIDE) if os.path.isdir(ASIDE) else []
    return sorted(name.replace(SLASH, "/") for name in listed if not name.endswith(".new"))


def note(folder: str) -> None:
    """Note which are aside, to go back to. Raises OSError."""
    files.replace(f"{folder}/aside", "".join(f"{name}\n" for name in names()))


def put_back(folder: str) -> None:
    """Have those aside that were when it was noted, and no others. Raises OSError."""
    have(files.text(f"{folder}/aside").splitlines())


def have(wanted: list[str]) -> None:
    """Have these units aside, and no others. Raises OSError."""
    changed = [*filter(_take, wanted)]
    changed += [name for name in names() if name not in wanted]
    texts = {name: files.text(_stored(name)) for name in changed}
    for name in texts:
        if name not in wanted:
            _give(name)
    if texts and not box.PRACTICE:
        files.replace(ANEW, "")
        for unit in claims.units(texts):
            if unit.makes:
                tools.run(["ip", "link", "delete", unit.makes], quiet=True)


def has_changed() -> bool:
    """Whether units of others came or went, which networkd does not know yet."""
    return os.path.exists(ANEW)


def have_units_read() -> None:
    """Have networkd read the units. Raises Failed.

    It does not forget a device that was put on top of another one, such as a VLAN or a VXLAN, when
    that device and its unit are gone, and then passes over a new unit of that name. Only when it
    starts it knows nothing.
    """
    if has_changed():
        tools.must(["systemctl", "restart", "systemd-networkd"])
        files.remove(ANEW)
    else:
        tools.must(["networkctl", "reload"])


def _take(name: str) -> bool:
    """Whether it was in its place."""
    content = files.read(box.ROOT, name)
    hides = f"{box.ROOT}/{_hiding(name)}"
    if content is None or (os.path.lexists(hides) and hides != f"{box.ROOT}/{name}"):
        return False
    os.makedirs(ASIDE, exist_ok=True)
    files.replace(_stored(name), content.decode(errors="surrogateescape"))
    files.flush_folder(ASIDE)
    if _hiding(name) == name:
        files.remove(hides)
    else:
        os.makedirs(os.path.dirname(hides), exist_ok=True)
        os.symlink(NOTHING, hides)
    files.flush_folder(os.path.dirname(hides))
    return True


def _give(name: str) -> None:
    hides = f"{box.ROOT}/{_hiding(name)}"
    if _hiding(name) == name:
        files.put(name, files.text(_stored(name)).encode(errors="surrogateescape"), 0o644)
    elif os.path.islink(hides):
        files.remove(hides)
        files.flush_folder(os.path.dirname(hides))
    files.remove(_stored(name))
    files.flush_folder(ASIDE)


def _stored(name: str) -> str:
    return f"{ASIDE}/{name.replace('/', SLASH)}"


def _hiding(name: str) -> str:
    """What takes its effect away: itself, or a link of its name in the folder read first."""
    return f"{box.UNITS}/{name.rpartition('/')[2]}"
