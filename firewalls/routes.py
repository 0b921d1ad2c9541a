"""Which routes of one VRF are usable in another. FRR: `import vrf` with one route-map per importing VRF.

An import list permits what it names and nothing else; a family with nothing to import has no `import vrf` at all, for in
FRR an empty list would import everything. Each address family has lists of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_network

from firewalls.values import Net, of_family
from networks.addressing import IP, Cidr

HOST_BITS = {4: 32, 6: 128}
FAMILIES = (4, 6)


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
class Vrf:
    """The routing table of one network; its number is its VXLAN id as well."""

    number: int
    network: str
    role: str
    families: tuple[Family, ...]
    leaks: tuple[Leak, ...]

    @property
    def import_map(self) -> str:
        return f"vrf{self.number}-import-map"

    @property
    def last_sequence(self) -> int:
        return 10 * (len(self.leaks) + 1)


def vrfs(primary: Net, shared: tuple[Net, ...], externals: tuple[Net, ...]) -> tuple[Vrf, ...]:
    """The VRFs of a firewall, by number. Shared networks leak with the primary only: never with an external or each other."""
    leaks = [leak for net in shared for leak in _with_shared(primary, net)]
    leaks += [leak for net in externals for leak in _with_external(primary, net)]
    originated = _originated(primary, shared, externals)
    rows = [_vrf(primary, "primary", leaks, originated)]
    rows += [_vrf(net, "shared", leaks, ()) for net in shared] + [_vrf(net, "external", leaks, ()) for net in externals]
    return tuple(sorted(rows, key=lambda vrf: vrf.number))


def _vrf(net: Net, role: str, leaks: Iterable[Leak], originated: Iterable[int]) -> Vrf:
    mine = sorted((leak for leak in leaks if leak.target == net.vrf), key=lambda leak: (leak.source, leak.version, not leak.no_export))
    numbered = tuple(
        Leak(leak.target, leak.source, leak.version, leak.no_export, leak.entries, 10 * number) for number, leak in enumerate(mine, 1)
    )
    present = {cidr.version for cidr in net.prefixes} | {leak.version for leak in mine}
    families = tuple(
        Family(version, tuple(sorted({leak.source for leak in mine if leak.version == version})), version in originated)
        for version in sorted(present)
    )
    return Vrf(net.vrf, net.id, role, families, numbered)


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
    everything = [cidr for cidr in external.destination_prefixes if cidr.version == version and cidr.prefixlen == 0]
    others = (cidr for cidr in (*external.destination_prefixes, *external.prefixes) if cidr.prefixlen > 0)
    return (*set(everything), *of_family(others, version))


def _leak(target: Net, source: Net, version: int, *, no_export: bool, permitted: Iterable[Cidr], denied: Iterable[IP] = ()) -> Leak:
    """Denied host addresses come first; a default route is matched exactly, any other prefix with all inside it."""
    hosts = sorted((ip_network(ip) for ip in denied), key=lambda host: int(host.network_address))
    lines: list[tuple[str, Cidr, int | None]] = [("deny", cidr, None) for cidr in hosts]
    lines += [("permit", cidr, HOST_BITS[version] if 0 < cidr.prefixlen < HOST_BITS[version] else None) for cidr in permitted]
    entries = tuple(Entry(5 * number, *line) for number, line in enumerate(lines, 1))
    return Leak(target.vrf, source.vrf, version, no_export, entries)


def _originated(primary: Net, shared: tuple[Net, ...], externals: tuple[Net, ...]) -> tuple[int, ...]:
    """The families in which the firewall announces itself as the way out: machines find shared networks by their default route.

    Only where no external network brings a default route, and only where there is a shared network to be found: a second
    firewall of the same network must not draw traffic that it would drop.
    """
    return tuple(
        version
        for version in FAMILIES
        if primary.of(version) and any(net.of(version) for net in shared) and not any(net.has_default_route(version) for net in externals)
    )
