"""Interfaces that the kernel has otherwise than their units say, set up again or made anew.

networkd gives a device that it makes its settings once. It looks at a unit again if the file has
changed, and only then at the device that the unit makes it a part of.
"""

from __future__ import annotations

import os

from . import box, tools
from .remarks import remark
from .verifying import interfaces
from .verifying.seeing import Seen, Wanted
from .waiting import Settling

DEPTH = 2  # of parts: a VXLAN is one of a bridge, which is one of a VRF
COLUMNS = 5  # of `networkctl list`: number, name, type, and two states
PATIENCE = 3  # seconds: networkd answers before it acts, and hears of the kernel a moment later


def wrong(wanted: Wanted) -> dict[str, bool]:
    """The devices that are otherwise now, and whether each must be made anew."""
    return interfaces.wrong(wanted, Seen()) if wanted.devices else {}


def states() -> dict[str, str]:
    """How far networkd is with each device."""
    listed = tools.run(["networkctl", "--no-legend", "--no-pager", "list"]).text
    rows = [line.split() for line in listed.splitlines()]
    return {name: state for _, name, _, _, state, *_ in filter(_is_whole, rows)}


def _is_whole(row: list[str]) -> bool:
    return len(row) >= COLUMNS


def renew(wanted: Wanted) -> bool:
    """Have networkd set up again whatever is otherwise; whether anything was. Raises Failed."""
    if not Settling(PATIENCE, lambda: sorted(wrong(wanted))).lacking:
        return False
    found = wrong(wanted)
    anew = _with_parts([name for name in found if found[name]], wanted)
    for name in anew:
        tools.run(["ip", "link", "delete", name])
    Settling(PATIENCE, lambda: [name for name in anew if name in states()])
    for name in sorted(set(found) - set(anew)):
        mtu = wanted.devices[name].settings.get("mtu")
        if mtu:
            tools.run(["ip", "link", "set", "dev", name, "mtu", mtu[1]])
    remark(f"Set up again: {' '.join(sorted(found))}")
    for name, device in wanted.devices.items():
        if name in found or name in anew:
            for unit in device.units:
                os.utime(f"{box.ROOT}/{unit}")
    tools.must(["networkctl", "reload"])
    Settling(box.SETTLE, lambda: sorted(wrong(wanted)))
    return True


def _with_parts(names: list[str], wanted: Wanted) -> list[str]:
    """These, and the devices that are parts of them: networkd gives none of those another master.

    It holds on to the one that is gone, and fails (seen with version 252).
    """
    every = dict.fromkeys(names)
    for _ in range(DEPTH):
        made = [device for device in wanted.devices.values() if device.kind]
        every.update(dict.fromkeys(one.name for one in made if one.master() in every))
    return sorted(every)
