"""Giving next hops their neighbours again: at the other ends of VXLANs, and of uplinks.

Those of VXLANs FRR learns again. That of an uplink is given to the kernel as zebra does it.
"""

from __future__ import annotations

from . import box, frr, tools
from .remarks import Failed, Skipped, remark
from .sessions import Check
from .verifying import neighbours
from .verifying.routes import UNNUMBERED
from .verifying.seeing import Seen
from .waiting import Settling, pause, sleep

ARRIVAL = 10  # seconds after which a new BGP session has brought its routes
ZEBRA = "11"  # linux/rtnetlink.h: who made an entry
PATIENCE = 3  # seconds: a route may be there a moment before its neighbour


def lost(more: tuple[str, ...] = ()) -> list[str]:
    """Those without a neighbour entry now: "ADDRESS dev DEVICE" each."""
    return neighbours.lost(Seen(), more)


def check(sessions: Check) -> None:
    """Every next hop has its neighbour, if need be again. Raises Failed.

    What was lost before this push too, and cannot be mended, is no reason to take the push back.
    """
    if box.PRACTICE:
        raise Skipped(box.NO_KERNEL)
    if sessions.come_up():
        pause(ARRIVAL)
    forgotten, lacking = mend()
    if not forgotten:
        remark("Every next hop has its neighbour.")
    elif lacking:
        _tell_lost(lacking)
    else:
        remark(
            f"These next hops had lost their neighbour and have it again: {', '.join(forgotten)}"
        )


def mend() -> tuple[list[str], list[str]]:
    """Those that had no neighbour, and those that have none all the same. Raises Failed."""
    forgotten = Settling(PATIENCE, lost).lacking
    return forgotten, _mended(forgotten) if forgotten else []


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
    """Give them their neighbours again; gives what is lacking all the same. Raises Failed."""
    mend_uplinks(forgotten)
    devices = {line.rpartition(" dev ")[2] for line in forgotten}
    for number in sorted(filter(None, {neighbours.vni(device) for device in devices})):
        _give_again(number)
    # Without the VNI there is no route either, so those that were lost must come, not only be
    # wanted no more.
    return Settling(box.SETTLE, lambda: lost(tuple(forgotten))).lacking


def mend_uplinks(forgotten: list[str]) -> None:
    """Give the uplinks among these the neighbour that stands for their router in IPv4.

    Its MAC is the one by which the router is known in IPv6. Where that is not known, nothing is
    done.
    """
    marked = f"{UNNUMBERED} dev "
    devices = [line[len(marked) :] for line in forgotten if line.startswith(marked)]
    routers = neighbours.routers(Seen()) if devices else {}
    for device in filter(routers.get, devices):
        words = ["lladdr", routers[device], "dev", device, "nud", "permanent", "protocol", ZEBRA]
        # What fails is seen by what is still lacking.
        tools.run(["ip", "neigh", "replace", UNNUMBERED, *words])


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
