"""frr.conf, read: which VRF imports which routes of which other, and what it tells whom of them."""

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from tests.reader import Unreadable

Route = IPv4Network | IPv6Network
FAMILY = {"ipv4": 4, "ipv6": 6}
# What carries no meaning for who imports what.
_PLAIN = [
    re.compile(pattern)
    for pattern in (
        r"frr version \S+",
        r"frr defaults datacenter",
        r"hostname \S+",
        r"end",
        r"exit(-vrf|-address-family)?",
        r"ipv6 nd ra-interval \d+",
        r"no ipv6 nd suppress-ra",
        r"bgp router-id \S+",
        r"bgp bestpath as-path multipath-relax",
        r"neighbor FABRIC peer-group",
        r"update-delay \d+ \d+",
        r"neighbor FABRIC remote-as external",
        r"neighbor FABRIC timers \d+ \d+",
        r"neighbor FABRIC activate",
        r"advertise-all-vni",
        r"bgp as-path access-list SELF seq 5 permit \^\$",
        r"match as-path SELF",
        r"match interface lo",
        r"neighbor FABRIC route-map only-self-out out",
        r"redistribute connected( route-map LOOPBACKS)?",
    )
]
_LIST = re.compile(
    r"(ip|ipv6) prefix-list (\S+) seq (\d+) (permit|deny) (\S+)(?: ge (\d+))?(?: le (\d+))?"
)


@dataclass
class Clause:
    """One entry of a route-map: it applies where all of its matches do."""

    sequence: int
    permits: bool
    lists: list[tuple[int, str]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    communities: frozenset[str] = frozenset()


@dataclass
class Routing:
    """What the text says."""

    vnis: dict[str, int] = field(default_factory=dict)
    uplinks: set[str] = field(default_factory=set)
    imports: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    filters: dict[tuple[str, int], str] = field(default_factory=dict)
    advertised: set[tuple[str, int]] = field(default_factory=set)
    originated: set[tuple[str, int]] = field(default_factory=set)
    lists: dict[tuple[int, str], list[tuple[int, bool, Route, int, int]]] = field(
        default_factory=dict
    )
    maps: dict[str, list[Clause]] = field(default_factory=dict)

    def imported(self, target: str, source: str, route: Route) -> frozenset[str] | None:
        """The communities with which the target would take the route; None if it would not."""
        key = (target, route.version)
        if source not in self.imports.get(key, []):
            return None
        if key not in self.filters:
            return frozenset()  # everything comes in
        for clause in sorted(
            self.maps.get(self.filters[key], []), key=lambda clause: clause.sequence
        ):
            if self._applies(clause, source, route):
                return clause.communities if clause.permits else None
        return None

    def _applies(self, clause: Clause, source: str, route: Route) -> bool:
        named = all(name == source for name in clause.sources)
        return named and all(
            version == route.version and self._in_list(version, name, route)
            for version, name in clause.lists
        )

    def _in_list(self, version: int, name: str, route: Route) -> bool:
        """As FRR has it: a list that does not exist matches nothing, one without entries everything."""
        entries = self.lists.get((version, name))
        if entries is None:
            return False
        for _, permits, prefix, shortest, longest in sorted(entries, key=lambda entry: entry[0]):
            if shortest <= route.prefixlen <= longest and route.subnet_of(prefix):  # type: ignore[arg-type] # one family
                return permits
        return not entries


def read(text: str) -> Routing:
    """Read a whole frr.conf. Raises Unreadable."""
    found = Routing()
    context: dict[str, Any] = {}
    for line in text.splitlines():
        words = line.strip()
        if words in ("", "!"):
            continue
        if not line.startswith(" "):
            context = {}
        if not (
            _opens(found, words, context)
            or _says(found, words, context)
            or any(plain.fullmatch(words) for plain in _PLAIN)
        ):
            raise Unreadable(line)
    return found


def _opens(found: Routing, words: str, context: dict[str, Any]) -> bool:
    """Lines that others belong to."""
    match words.split():
        case ["vrf", name]:
            context["vrf"] = name
        case ["interface", name]:
            found.uplinks.add(name)
        case ["router", "bgp", _]:
            context["router"] = ""
        case ["router", "bgp", _, "vrf", name]:
            context["router"] = name
        case ["address-family", ("ipv4" | "ipv6") as family, "unicast"]:
            context["family"] = FAMILY[family]
        case ["address-family", "l2vpn", "evpn"]:
            context["family"] = 0
        case ["route-map", name, ("permit" | "deny") as action, number]:
            context["clause"] = Clause(int(number), action == "permit")
            found.maps.setdefault(name, []).append(context["clause"])
        case _:
            return False
    return True


def _says(found: Routing, words: str, context: dict[str, Any]) -> bool:
    """Lines that mean something within what they belong to."""
    place = (context.get("router", ""), context.get("family", 0))
    match words.split():
        case ["vni", number]:
            found.vnis[context["vrf"]] = int(number)
        case ["neighbor", name, "interface", "peer-group", "FABRIC"]:
            found.uplinks.add(name)
        case ["import", "vrf", "route-map", name]:
            found.filters[place] = name
        case ["import", "vrf", name]:
            found.imports.setdefault(place, []).append(name)
        case ["advertise", ("ipv4" | "ipv6") as family, "unicast"]:
            found.advertised.add((place[0], FAMILY[family]))
        case ["default-originate", ("ipv4" | "ipv6") as family]:
            found.originated.add((place[0], FAMILY[family]))
        case _:
            return _says_of_routes(found, words, context)
    return True


def _says_of_routes(found: Routing, words: str, context: dict[str, Any]) -> bool:
    if entry := _LIST.fullmatch(words):
        family, name, number, action, text, shortest, longest = entry.groups()
        prefix = ip_network(text)
        least, most = (
            int(shortest or prefix.prefixlen),
            int(longest or (prefix.max_prefixlen if shortest else prefix.prefixlen)),
        )
        found.lists.setdefault((4 if family == "ip" else 6, name), []).append(
            (int(number), action == "permit", prefix, least, most)
        )
        return True
    match words.split():
        case ["match", ("ip" | "ipv6") as family, "address", "prefix-list", name]:
            context["clause"].lists.append((4 if family == "ip" else 6, name))
        case ["match", "source-vrf", name]:
            context["clause"].sources.append(name)
        case ["set", "community", *communities, "additive"]:
            context["clause"].communities = frozenset(communities)
        case _:
            return False
    return True
