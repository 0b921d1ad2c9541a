"""Which routes of one VRF are usable in another. FRR: `import vrf` with one route-map per importing VRF.

An import list permits what it names and nothing else; a family with nothing to import has no `import vrf` at all, for in
FRR an empty list would import everything. Each address family has lists of its own.

Every number in here follows from what it numbers, not from its place among others: a further network or prefix adds lines
and moves none, for a line that moves is a line that is taken away for a moment (a moment without no-export, say).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_network
from zlib import crc32

from firewalls.configuration.values import FAMILIES, Net, of_family
from networks.common.addressing import IP, Cidr

HOST_BITS = {4: 32, 6: 128}
VLANS = range(2, 4095)  # IEEE 802.1Q, without the bridge's default
TABLES = 1_000_000  # above the kernel's own routing tables
DENIES, PERMITS = (
    range(1, 100_000),
    range(100_000, 1_000_000),
)  # sequence numbers of a prefix list: what is denied comes first


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a prefix list; `le` is the longest prefix it matches, none means exactly this prefix."""

    sequence: int
    action: str
    prefix: Cidr
    le: int | None


@dataclass(frozen=True, slots=True)
class Leak:
    """Routes of one VRF usable in another: those the entries permit, told to nobody else where no_export (RFC 1997)."""

    target: int
    source: int
    version: int
    no_export: bool
    entries: tuple[Entry, ...]
    sequence: int = 0

    @property
    def prefix_list(self) -> str:
        export = "-no-export" if self.no_export else ""
        family = "-ipv6" if self.version == 6 else ""  # noqa: PLR2004 - the IP version
        return f"vrf{self.target}-import-from-vrf{self.source}{export}{family}"

    @property
    def keyword(self) -> str:
        """How FRR calls the family in `match` and `prefix-list`."""
        return "ip" if self.version == 4 else "ipv6"  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Family:
    """One address family of a VRF: what it imports from, and whether the firewall is its way out."""

    version: int
    sources: tuple[int, ...]
    default_originate: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """A network on the firewall's bridge, by its VRF's number, which is its VXLAN id as well."""

    number: int
    vlan: int

    @property
    def table(self) -> int:
        """The kernel's number of its routing table."""
        return TABLES + self.number


@dataclass(frozen=True, slots=True)
class Vrf:
    """The routing table of one network. The addresses are the firewall's own in it."""

    segment: Segment
    network: str
    role: str
    families: tuple[Family, ...]
    leaks: tuple[Leak, ...]
    addresses: tuple[IP, ...]

    @property
    def number(self) -> int:
        return self.segment.number

    @property
    def import_map(self) -> str:
        return f"vrf{self.number}-import-map"


def vrfs(primary: Net, shared: tuple[Net, ...], externals: tuple[Net, ...]) -> tuple[Vrf, ...]:
    """The VRFs of a firewall, by number. Shared networks leak with the primary only: never with an external or each other."""
    numbers = vlans(net.vrf for net in (primary, *shared, *externals))
    leaks = [leak for net in shared for leak in _with_shared(primary, net)]
    leaks += [leak for net in externals for leak in _with_external(primary, net)]
    leaks = [replace(leak, sequence=_place(leak, numbers[leak.source])) for leak in leaks]
    originated = _originated(primary, shared, externals)
    rows = [_vrf(primary, "primary", leaks, originated, numbers)]
    rows += [_vrf(net, "shared", leaks, (), numbers) for net in shared]
    rows += [_vrf(net, "external", leaks, (), numbers) for net in externals]
    return tuple(sorted(rows, key=lambda vrf: vrf.number))


def vlans(vrfs: Iterable[int]) -> dict[int, int]:
    """A VLAN id of the firewall's bridge per VRF: its own number, or where that is none, the next free one from its remainder on."""
    numbers = set(vrfs)
    found = {number: number for number in numbers if number in VLANS}
    taken = set(found)
    for number in sorted(numbers - taken):
        found[number] = _free(VLANS, number, taken)
    return found


def _free(places: range, wish: int, taken: set[int]) -> int:
    """The first place from the wish on that is not taken, and is then; it is the wished one unless two wish the same."""
    wanted = (places[(wish + step) % len(places)] for step in range(len(places)))
    place = next(place for place in wanted if place not in taken)
    taken.add(place)
    return place


def _place(leak: Leak, vlan: int) -> int:
    """The sequence number in the route-map: four per source."""
    return 10 * vlan + 2 * FAMILIES.index(leak.version) + (1 if leak.no_export else 2)


def _vrf(
    net: Net, role: str, leaks: Iterable[Leak], originated: Iterable[int], numbers: dict[int, int]
) -> Vrf:
    mine = tuple(
        sorted((leak for leak in leaks if leak.target == net.vrf), key=lambda leak: leak.sequence)
    )
    present = {cidr.version for cidr in net.prefixes} | {leak.version for leak in mine}
    families = tuple(
        Family(
            version,
            tuple(sorted({leak.source for leak in mine if leak.version == version})),
            version in originated,
        )
        for version in sorted(present)
    )
    addresses = tuple(sorted(net.addresses, key=lambda ip: (ip.version, int(ip))))
    return Vrf(Segment(net.vrf, numbers[net.vrf]), net.id, role, families, mine, addresses)


def _with_shared(primary: Net, shared: Net) -> Iterator[Leak]:
    """Both ways with no-export: traffic finds its way out and replies back, and nobody else hears of either prefix."""
    for version in FAMILIES:
        if primary.of(version) and shared.of(version):
            yield _leak(primary, shared, version, no_export=True, permitted=shared.of(version))
            yield _leak(shared, primary, version, no_export=True, permitted=primary.of(version))


def _with_external(primary: Net, external: Net) -> Iterator[Leak]:
    """In: its destinations, but not the firewall's own addresses. Out: the private prefixes unheard, public ones aloud."""
    for version in external.families():
        public = external.of(version)
        own = tuple(ip for ip in external.addresses if ip.version == version)
        wanted = _reached(external, version)
        if wanted:
            yield _leak(primary, external, version, no_export=False, permitted=wanted, denied=own)
        if primary.of(version):
            yield _leak(external, primary, version, no_export=True, permitted=primary.of(version))
        if public:
            yield _leak(external, primary, version, no_export=False, permitted=public)


def _reached(external: Net, version: int) -> tuple[Cidr, ...]:
    """What is reached through it: the default route by itself, then its further destinations and its own prefixes."""
    everything = [
        cidr
        for cidr in external.destination_prefixes
        if cidr.version == version and cidr.prefixlen == 0
    ]
    others = (
        cidr for cidr in (*external.destination_prefixes, *external.prefixes) if cidr.prefixlen > 0
    )
    return (*set(everything), *of_family(others, version))


def _leak(
    target: Net,
    source: Net,
    version: int,
    *,
    no_export: bool,
    permitted: Iterable[Cidr],
    denied: Iterable[IP] = (),
) -> Leak:
    """Denied host addresses come first; a default route is matched exactly, any other prefix with all inside it."""
    lines = _numbered("deny", DENIES, (ip_network(ip) for ip in denied)) + _numbered(
        "permit", PERMITS, permitted
    )
    return Leak(
        target.vrf,
        source.vrf,
        version,
        no_export,
        tuple(sorted(lines, key=lambda entry: entry.sequence)),
    )


def _numbered(action: str, places: range, prefixes: Iterable[Cidr]) -> list[Entry]:
    taken: set[int] = set()
    spelled = sorted((str(cidr), cidr) for cidr in set(prefixes))
    return [
        Entry(_free(places, crc32(text.encode()), taken), action, cidr, _longest(cidr))
        for text, cidr in spelled
    ]


def _longest(cidr: Cidr) -> int | None:
    return cidr.max_prefixlen if 0 < cidr.prefixlen < cidr.max_prefixlen else None


def _originated(
    primary: Net, shared: tuple[Net, ...], externals: tuple[Net, ...]
) -> tuple[int, ...]:
    """The families in which the firewall announces itself as the way out: machines find shared networks by their default route.

    Only where no external network brings a default route, and only where there is a shared network to be found: a second
    firewall of the same network must not draw traffic that it would drop.
    """
    return tuple(
        version
        for version in FAMILIES
        if primary.of(version)
        and any(net.of(version) for net in shared)
        and not any(net.has_default_route(version) for net in externals)
    )
