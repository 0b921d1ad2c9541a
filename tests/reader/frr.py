"""Reads frr.conf: which VRF imports which routes of which other, and which of them it announces."""

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network

from tests.reader import Unreadable

Route = IPv4Network | IPv6Network
FAMILY = {"ipv4": 4, "ipv6": 6}
# Lines that say nothing of who imports what.
_WITHOUT_MEANING = [
    re.compile(pattern)
    for pattern in (
        r"frr defaults datacenter",
        r"hostname \S+",
        r"no zebra nexthop kernel enable",
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
        r"bgp large-community-list standard FLOATING seq 5 permit \S+",
        r"match interface lo",
        r"neighbor FABRIC route-map only-self-out out",
        r"redistribute connected( route-map LOOPBACKS)?",
    )
]
_PREFIX_LIST = re.compile(
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
    ranks: dict[str, int] = field(default_factory=dict)
    marks: bool = False  # matches or sets the community of floating default routes


@dataclass(frozen=True)
class Entry:
    """One line of a prefix list, and how long a prefix inside its own may be."""

    sequence: int
    permits: bool
    prefix: Route
    shortest: int
    longest: int


@dataclass
class Routing:
    """What the text says, by VRF: "" is the router in none. Families are 4, 6, and 0 for EVPN."""

    vnis: dict[str, int] = field(default_factory=dict)
    # Those begun so far. FRR makes one that is missing when it is imported from, and not well.
    routers: set[str] = field(default_factory=set)
    uplinks: set[str] = field(default_factory=set)
    imports: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    filters: dict[tuple[str, int], str] = field(default_factory=dict)
    advertised: set[tuple[str, int]] = field(default_factory=set)
    originated: dict[tuple[str, Route], str] = field(default_factory=dict)  # with the route map
    unchecked: set[str] = field(default_factory=set)  # originate also what the kernel does not know
    incoming: str = ""  # the map for what the fabric announces
    lists: dict[tuple[int, str], list[Entry]] = field(default_factory=dict)
    maps: dict[str, list[Clause]] = field(default_factory=dict)

    def imported(self, target: str, source: str, route: Route) -> frozenset[str] | None:
        """The communities with which the target would take the route; None if it would not."""
        family = (target, route.version)
        if source not in self.imports.get(family, []):
            return None
        if family not in self.filters:
            return frozenset()  # everything comes in
        clauses = self.maps.get(self.filters[family], [])
        for clause in sorted(clauses, key=lambda clause: clause.sequence):
            if self._applies(clause, source, route):
                return clause.communities if clause.permits else None
        return None

    def _applies(self, clause: Clause, source: str, route: Route) -> bool:
        if any(name != source for name in clause.sources):
            return False
        return all(
            version == route.version and self._is_permitted(version, name, route)
            for version, name in clause.lists
        )

    def _is_permitted(self, version: int, name: str, route: Route) -> bool:
        """As FRR has it: a list that does not exist matches nothing, one without entries all."""
        entries = self.lists.get((version, name))
        if entries is None:
            return False
        for entry in sorted(entries, key=lambda entry: entry.sequence):
            fits = entry.shortest <= route.prefixlen <= entry.longest
            if fits and route.subnet_of(entry.prefix):  # type: ignore[arg-type] # one family
                return entry.permits
        return not entries


@dataclass
class Context:
    """What the lines before belong to."""

    vrf: str = ""
    router: str = ""
    family: int = 0
    clause: Clause | None = None


def read(text: str) -> Routing:
    """Read a whole frr.conf. Raises Unreadable."""
    routing = Routing()
    context = Context()
    for line in text.splitlines():
        statement = line.strip()
        if statement in ("", "!"):
            continue
        if not line.startswith(" "):
            context = Context()
        if not understood(routing, statement, context):
            raise Unreadable(line)
    return routing


def understood(routing: Routing, statement: str, context: Context) -> bool:
    """Take in what one line says, given those before it; False if it is not known."""
    return (
        _begins_block(routing, statement, context)
        or _in_router(routing, statement, context)
        or _of_default_routes(routing, statement, context)
        or _in_lists(routing, statement)
        or _in_clause(statement, context.clause)
        or any(pattern.fullmatch(statement) for pattern in _WITHOUT_MEANING)
    )


def _begins_block(routing: Routing, statement: str, context: Context) -> bool:
    """Lines that others belong to."""
    match statement.split():
        case ["vrf", name]:
            context.vrf = name
        case ["interface", name]:
            routing.uplinks.add(name)
        case ["router", "bgp", _]:
            context.router = ""
        case ["router", "bgp", _, "vrf", name]:
            context.router = name
            routing.routers.add(name)
        case ["address-family", ("ipv4" | "ipv6") as family, "unicast"]:
            context.family = FAMILY[family]
        case ["address-family", "l2vpn", "evpn"]:
            context.family = 0
        case ["route-map", name, ("permit" | "deny") as action, number]:
            context.clause = Clause(int(number), action == "permit")
            routing.maps.setdefault(name, []).append(context.clause)
        case _:
            return False
    return True


def _in_router(routing: Routing, statement: str, context: Context) -> bool:
    """Lines of a VRF or of the router in it."""
    family_of_router = (context.router, context.family)
    match statement.split():
        case ["vni", number] if context.vrf:
            routing.vnis[context.vrf] = int(number)
        case ["neighbor", name, "interface", "peer-group", "FABRIC"]:
            routing.uplinks.add(name)
        case ["import", "vrf", "route-map", name]:
            routing.filters[family_of_router] = name
        case ["import", "vrf", name] if name in routing.routers:
            routing.imports.setdefault(family_of_router, []).append(name)
        case ["advertise", ("ipv4" | "ipv6") as family, "unicast"]:
            routing.advertised.add((context.router, FAMILY[family]))
        case _:
            return False
    return True


def _of_default_routes(routing: Routing, statement: str, context: Context) -> bool:
    """Lines about default routes: the firewall's own, and those of others."""
    match statement.split():
        case ["network", prefix, "route-map", name]:
            routing.originated[context.router, ip_network(prefix)] = name
        case ["no", "bgp", "network", "import-check"]:
            routing.unchecked.add(context.router)
        case ["neighbor", "FABRIC", "route-map", name, "in"]:
            routing.incoming = name
        case _:
            return False
    return True


def _in_lists(routing: Routing, statement: str) -> bool:
    """Lines of prefix lists."""
    line = _PREFIX_LIST.fullmatch(statement)
    if line is None:
        return False
    family, name, sequence, action, text, shortest, longest = line.groups()
    prefix = ip_network(text)
    if prefix.version != _version(family):
        return False
    exact = prefix.prefixlen
    entry = Entry(
        sequence=int(sequence),
        permits=action == "permit",
        prefix=prefix,
        shortest=int(shortest or exact),
        longest=int(longest or (prefix.max_prefixlen if shortest else exact)),
    )
    routing.lists.setdefault((_version(family), name), []).append(entry)
    return True


def _in_clause(statement: str, clause: Clause | None) -> bool:
    """Lines of a route-map."""
    if clause is None:
        return False
    match statement.split():
        case ["match", ("ip" | "ipv6") as family, "address", "prefix-list", name]:
            clause.lists.append((_version(family), name))
        case ["match", "source-vrf", name]:
            clause.sources.append(name)
        case ["set", ("local-preference" | "weight") as name, number]:
            clause.ranks[name] = int(number)
        case ["set" | "match", "large-community", _]:
            clause.marks = True
        case ["set", "community", *communities, "additive"]:
            clause.communities = frozenset(communities)
        case _:
            return False
    return True


def _version(family: str) -> int:
    return {"ip": 4, "ipv6": 6}[family]
