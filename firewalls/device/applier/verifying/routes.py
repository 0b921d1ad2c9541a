"""FRR's routes must be the kernel's, with all their next hops.

FRR tells what it once gave to the kernel. What somebody else has taken from there it does not see:
systemd-networkd removes groups of next hops that are not its own, when it sets up an interface
anew, and the kernel then drops all routes that used them.
"""

from __future__ import annotations

from . import differences

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .differences import Difference
    from .seeing import Seen, Wanted

NAME = "routes in the kernel"
KERNELS_OWN = ("kernel", "connected", "local")
NOWHERE = "nowhere"
NOWHERE_KINDS = ("6", "7", "8", "blackhole", "unreachable", "prohibit")
UNICAST = ("", "1", "unicast")
REFUSING = ("blackhole", "unreachable", "reject", "prohibited")
UNNUMBERED = "169.254.0.1"  # on each uplink FRR has its neighbour under this address, too
DEAD = ("dead", "linkdown")

# A destination in a table: the table, and the prefix as FRR writes it.
Key = tuple[str, str]


def lacking(wanted: Wanted, seen: Seen) -> list[Difference]:
    found = []
    there = in_kernel(seen)
    for key, hops in sorted(of_frr(seen).items()):
        ways = [hops_of(entry) for entry in there.get(key, [])]
        if hops not in ways:
            found.append(_difference(key, hops, ways))
    return found


def _difference(key: Key, hops: list[str], ways: list[list[str]]) -> Difference:
    table, prefix = key
    what = f"{prefix} in table {table}"
    if not ways:
        sentence = f"FRR's route to {what} is missing in the kernel"
        return differences.missing(f"{what} {_listed(hops)}", sentence)
    return differences.setting(what, _listed(hops), _listed(ways[0]))


def _listed(hops: list[str]) -> str:
    return ", ".join(hops) or "without a next hop"


def of_frr(seen: Seen) -> dict[Key, list[str]]:
    """The routes that FRR has selected and must have given to the kernel, with their next hops."""
    return {key: sorted(_frr_hops(route, key[1])) for key, route in _selected(seen)}


def protocols(seen: Seen) -> dict[Key, str]:
    """Where FRR has those routes from."""
    return {key: route["protocol"] for key, route in _selected(seen)}


def _selected(seen: Seen) -> Iterator[tuple[Key, dict[str, Any]]]:
    for route in seen.routes():
        if route.get("selected") and route.get("protocol") not in KERNELS_OWN:
            yield (str(route.get("table", "254")), route["prefix"]), route


def _frr_hops(route: dict[str, Any], prefix: str) -> set[str]:
    """A next hop that leads over another is not given to the kernel; the one it leads over is."""
    hops = [hop for hop in route.get("nexthops", ()) if not hop.get("recursive")]
    used = [hop for hop in hops if hop.get("fib")] or [hop for hop in hops if hop.get("active")]
    return {_hop(hop, prefix) for hop in used}


def _hop(hop: dict[str, Any], prefix: str) -> str:
    if any(hop.get(word) for word in REFUSING):
        return NOWHERE
    return _written(hop.get("ip", ""), hop.get("interfaceName", ""), ":" not in prefix)


def _written(gateway: str, device: str, is_ipv4: bool) -> str:
    """As FRR writes an IPv4 address that is an IPv6 one; the kernel's tool writes it with dots.

    An IPv4 route over a neighbour that has no IPv4 address is given to the kernel with one that
    stands for it there.
    """
    if is_ipv4 and gateway.startswith("fe80:"):
        gateway = UNNUMBERED
    mapped, _, address = gateway.partition("::ffff:")
    if not mapped and "." in address:
        high, low, higher, lower = map(int, address.split("."))
        gateway = f"::ffff:{high << 8 | low:x}:{higher << 8 | lower:x}"
    return f"{gateway} dev {device}".strip()


def in_kernel(seen: Seen) -> dict[Key, list[dict[str, Any]]]:
    """The kernel's routes by destination."""
    routes: dict[Key, list[dict[str, Any]]] = {}
    for entry in seen.kernel_routes():
        everywhere, length = ("::/0", 128) if "pref" in entry else ("0.0.0.0/0", 32)
        prefix = entry["dst"]
        if prefix == "default":
            prefix = everywhere
        elif "/" not in prefix:
            prefix = f"{prefix}/{length}"
        routes.setdefault((str(entry.get("table", "254")), prefix), []).append(entry)
    return routes


def hops_of(entry: dict[str, Any]) -> list[str]:
    """The next hops of a route of the kernel that lead anywhere."""
    kind = str(entry.get("type", ""))
    if kind in NOWHERE_KINDS:
        return [NOWHERE]
    if kind not in UNICAST:
        return []
    hops = set()
    for hop in entry.get("nexthops", [entry]):
        if not any(flag in DEAD for flag in hop.get("flags", ())):
            gateway = hop.get("gateway") or hop.get("via", {}).get("host", "")
            hops.add(_written(gateway, hop.get("dev", ""), "pref" not in entry))
    return sorted(hops)
