"""The default routes that FRR must originate into VRFs.

FRR 8.4 withdraws one together with another 0/0 that goes from there, and does not originate it
again, though its configuration says so.
"""

from __future__ import annotations

from . import differences
from .seeing import originated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .differences import Difference
    from .seeing import Seen, Wanted

NAME = "default routes that are not originated"
OWN_WEIGHT = " 32768 "  # of routes that this box originates


def lacking(wanted: Wanted, seen: Seen) -> list[Difference]:
    """Each is told as "VRF FAMILY"."""
    return [
        differences.surplus(route, f"the default route of {route} is not originated")
        for route in lost(wanted.routing, seen)
    ]


def lost(text: str, seen: Seen) -> list[str]:
    """Those of a configuration that FRR does not originate."""
    return not_originated(text, seen.prefixes()) if originated(text) else []


def not_originated(text: str, answer: str) -> list[str]:
    """Those of a configuration that are not among the EVPN prefixes which FRR has told.

    The route target of a VRF is its VNI, which is its number. This is what FRR 8.4 and 10.3 both
    write for people; their JSON was not compared.
    """
    lacking = set(originated(text))
    family, own = "", False
    for line in answer.splitlines():
        if any(f"[{kind}]:[" in line for kind in "12345"):
            family, own = "", False
        if "[5]:[0]:[0]:[" in line:
            family = "ipv6" if "[::]" in line else "ipv4"
        own = own or OWN_WEIGHT in line
        targets = [word for word in line.split() if word.startswith("RT:")]
        if own and family and targets:
            lacking.discard(f"vrf{targets[0].rpartition(':')[2]} {family}")
    return sorted(lacking)
