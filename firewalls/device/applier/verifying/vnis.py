"""Each network in FRR: its VNI must be of layer 3, up, and have found the SVI that the units make.

Without it FRR announces nothing of the network, and takes nothing that is announced of it.
"""

from __future__ import annotations

from . import differences

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .differences import Difference
    from .seeing import Seen, Wanted

NAME = "networks in FRR"


def lacking(wanted: Wanted, seen: Seen) -> list[Difference]:
    found = []
    for number, vrf in sorted(wanted.vnis().items()):
        vni = seen.vnis().get(number)
        if vni is None:
            sentence = f"FRR does not know the VNI {number}, so nothing reaches {vrf}"
            found.append(differences.missing(f"VNI {number}", sentence))
            continue
        pairs = [("type", "L3"), ("state", "Up"), ("vrf", vrf)]
        pairs += [("sviIntf", svi) for svi in wanted.svis(vrf)[:1]]
        for key, value in pairs:
            actual = str(vni.get(key, "unknown"))
            if actual != value:
                found.append(differences.setting(f"VNI {number} {LABELS[key]}", value, actual))
    return found


LABELS = {"type": "type", "state": "state", "vrf": "VRF", "sviIntf": "SVI"}
