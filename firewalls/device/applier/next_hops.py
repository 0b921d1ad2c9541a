"""Next hops at the other ends of VXLANs: packets to one that has no neighbour entry go nowhere.

FRR 8.4.0 to 8.5.2 forgets the MAC at the other end of a VXLAN when a better path comes up or a
session flaps, and learns it again with the VNI.
"""

from __future__ import annotations

from . import box, frr, tools
from .remarks import Failed, Skipped, remark
from .sessions import Check
from .waiting import Settling, pause, sleep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

SVI = "bridge"  # with the number of the VRF that it leads to
ARRIVAL = 10  # seconds after which a new BGP session has brought its routes
PATIENCE = 3  # seconds: a route may be there a moment before its neighbour


def lost(more: tuple[str, ...] = ()) -> list[str]:
    """Those that lack a neighbour entry, of those routes lead to, and of more.

    Each is "ADDRESS dev DEVICE".
    """
    known = {
        f"{entry['dst']} dev {entry['dev']}"
        for entry in _ip("neigh", "show", "nud", "all")
        if "lladdr" in entry and "FAILED" not in entry.get("state", ())
    }
    used = set(more)
    for family in ("-4", "-6"):
        for route in _ip(family, "route", "show", "table", "all", "proto", "bgp"):
            used.update(_far_ends(route))
    return sorted(used - known)


def _far_ends(route: dict[str, Any]) -> Iterator[str]:
    for hop in route.get("nexthops", [route]):
        device = hop.get("dev", "")
        beyond = device.startswith(SVI) and device[len(SVI) :].isdigit()
        if beyond and "onlink" in hop.get("flags", ()):
            address = hop.get("gateway") or hop.get("via", {}).get("host", "")
            yield f"{address} dev {device}"


def _ip(*words: str) -> list[dict[str, Any]]:
    """What the kernel has; nothing where it cannot say, or says nothing."""
    import json

    answer: list[dict[str, Any]] = json.loads(
        tools.run(["ip", "-j", *words], quiet=True).text.strip() or "[]"
    )
    return answer


def check(sessions: Check) -> None:
    """Every next hop has its neighbour, if need be again. Raises Failed.

    What was lost before this push too, and cannot be mended, is no reason to take the push back.
    """
    if box.PRACTICE:
        raise Skipped(box.NO_KERNEL)
    if sessions.come_up():
        pause(ARRIVAL)
    forgotten = Settling(PATIENCE, lost).lacking
    if not forgotten:
        remark("Every next hop has its neighbour.")
        return
    lacking = _mended(forgotten)
    if lacking:
        _tell_lost(lacking)
    else:
        remark(f"FRR had forgotten these neighbours and knows them again: {', '.join(forgotten)}")


def _tell_lost(lacking: list[str]) -> None:
    new = lost_anew(lacking, "next-hops")
    if new:
        raise Failed(
            f"These next hops have no neighbour, so packets to them go nowhere: {', '.join(new)}"
        )
    remark(
        "These next hops had no neighbour before either; packets to them go nowhere until FRR is "
        f"restarted: {', '.join(lacking)}"
    )


def _mended(forgotten: list[str]) -> list[str]:
    """Have FRR learn again what it forgot; gives what is lacking all the same. Raises Failed."""
    for number in sorted({line.rpartition(f" dev {SVI}")[2] for line in forgotten}):
        _give_again(number)
    # Without the VNI there is no route either, so those that were lost must come, not only be
    # wanted no more.
    return Settling(box.SETTLE, lambda: lost(tuple(forgotten))).lacking


def lost_anew(lacking: list[str], kind: str) -> list[str]:
    """What is lacking and was not before this push."""
    with open(f"{box.PENDING}/{kind}", encoding="utf-8") as file:
        before = file.read().splitlines()
    return [line for line in lacking if line not in before]


def _give_again(number: str) -> None:
    """Take the VNI from its VRF and give it back. Raises Failed."""
    setting = f"vrf vrf{number} / vni {number}"
    if setting not in frr.settings(frr.running()):
        return
    frr.configure(f"vrf vrf{number}", f"no vni {number}")
    waited = 0
    while True:
        frr.configure(f"vrf vrf{number}", f"vni {number}")
        if setting in frr.settings(frr.running()):
            return
        if waited >= box.SETTLE:
            raise Failed(f"FRR has not taken the VNI {number} back after {waited} seconds.")
        sleep(1)
        waited += 1
