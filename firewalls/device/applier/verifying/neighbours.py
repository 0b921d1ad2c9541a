"""The other ends of VXLANs and uplinks: each needs a neighbour entry, or packets vanish.

FRR 8.4.0 to 8.5.2 forgets the MAC at the other end of a VXLAN when a better path comes up or a
session flaps, and learns it again with the VNI. systemd-networkd removes those of uplinks when it
is started again; zebra puts them back minutes later or never.
"""

from __future__ import annotations

from . import differences
from .routes import UNNUMBERED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .differences import Difference
    from .seeing import Seen, Wanted

NAME = "next hops without a neighbour"
LINK_LOCAL = "fe80:"
FAILED = ("FAILED", "32")  # linux/neighbour.h: NUD_FAILED
LETTERS = "abcdefghijklmnopqrstuvwxyz-_"


def lacking(wanted: Wanted, seen: Seen) -> list[Difference]:
    """Each is told as "ADDRESS dev DEVICE"."""
    return [
        differences.surplus(hop, f"{hop} has no neighbour entry, so packets to it go nowhere")
        for hop in lost(seen)
    ]


def lost(seen: Seen, more: tuple[str, ...] = ()) -> list[str]:
    """Those that lack a neighbour entry, of those that routes lead to, and of more."""
    known = {f"{entry['dst']} dev {entry['dev']}" for entry in _known(seen)}
    used = set(more)
    for route in seen.kernel_routes():
        used.update(_far_ends(route))
    return sorted(used - known)


def routers(seen: Seen) -> dict[str, str]:
    """The MAC of the router at the other end of each uplink, to which FRR's routes go by IPv6."""
    hops = {
        (hop.get("interfaceName"), hop.get("ip"))
        for route in seen.routes()
        for hop in route.get("nexthops", ())
    }
    return {
        entry["dev"]: entry["lladdr"]
        for entry in _known(seen)
        if entry["dst"].startswith(LINK_LOCAL) and (entry["dev"], entry["dst"]) in hops
    }


def _known(seen: Seen) -> Iterator[dict[str, Any]]:
    for entry in seen.neighbours():
        if "lladdr" in entry and not any(word in FAILED for word in entry.get("state", ())):
            yield entry


def _far_ends(route: dict[str, Any]) -> Iterator[str]:
    for hop in route.get("nexthops", [route]):
        device = hop.get("dev", "")
        address = hop.get("gateway") or hop.get("via", {}).get("host", "")
        if (vni(device) or address == UNNUMBERED) and "onlink" in hop.get("flags", ()):
            yield f"{address} dev {device}"


def vni(device: str) -> str:
    """The VNI whose other ends are reached over a device, by its name; nothing for another one."""
    number = device.lstrip(LETTERS)
    return number if device[: -len(number) or None] in SVIS and number.isdigit() else ""


SVIS = ("vlan", "bridge")
