"""The VRFs of a firewall: per network a routing table, a VXLAN, and what is imported from where."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from firewalls.configuration.routes.leaks import DEFAULT_ROUTES, Leak, leaks
from firewalls.configuration.values import FAMILIES, Net
from networks.common.addressing import IP, Cidr

TABLES = 1_000_000  # above the kernel's own routing tables
# Metrics of stand-ins. FRR reads the first byte as an administrative distance, and uses none of
# 255. Below that of the routes that end a search; a place in a firewall is below their difference.
BEHIND_FRR = 0xFF00_0000


@dataclass(frozen=True, slots=True)
class Family:
    """One address family of a VRF: where it imports from, and whether it has a floating default.

    By that machines find shared networks as long as nothing else leads there; where siblings are
    unlike, by routes to them, so that each draws only what it passes on.

    A family without sources imports nothing at all: to FRR, an empty list would permit everything.
    """

    version: int
    sources: tuple[int, ...]
    floating_default: bool

    @property
    def default_route(self) -> Cidr:
        return DEFAULT_ROUTES[self.version]


@dataclass(frozen=True, slots=True)
class StandIn:
    """A route into this VRF, kept in the table of the one that imports from it.

    Whenever a VRF imports from one VRF more or less, FRR takes a route that it imports from another
    away, and gives it again milliseconds later. Flows that go on find their way by this meanwhile;
    the rules let none begin over it.
    """

    destination: Cidr
    table: int
    metric: int


@dataclass(frozen=True, slots=True)
class Vrf:
    """The routing table of one network, by its number, which is its VXLAN id as well.

    The addresses are the firewall's own in it.
    """

    number: int
    network: str
    role: str
    families: tuple[Family, ...]
    leaks: tuple[Leak, ...]
    addresses: tuple[IP, ...]
    stand_ins: tuple[StandIn, ...]

    @property
    def floats(self) -> bool:
        """Whether it has a default route of the firewall's own, in any family."""
        return any(family.floating_default for family in self.families)

    @property
    def table(self) -> int:
        """The kernel's number of its routing table."""
        return _table(self.number)


def vrfs(
    primary: Net, shared: Sequence[Net], externals: Sequence[Net], unlike: Collection[int] = ()
) -> tuple[Vrf, ...]:
    """The VRFs of a firewall, by number; `unlike` are the families in which siblings differ."""
    nets = [(primary, "primary")]
    nets += [(net, "shared") for net in shared]
    nets += [(net, "external") for net in externals]
    leaked = leaks(primary, shared, externals, unlike)
    floating = _floating(primary, shared, unlike)
    tables = []
    for net, role in sorted(nets, key=lambda pair: pair[0].vrf):
        incoming = tuple(leak for leak in leaked if leak.target == net.vrf)
        families = _families(net, incoming, floating if role == "primary" else ())
        addresses = tuple(sorted(net.addresses, key=lambda ip: (ip.version, int(ip))))
        stand_ins = _stand_ins(net, primary, leaked)
        tables.append(Vrf(net.vrf, net.id, role, families, incoming, addresses, stand_ins))
    return tuple(tables)


def _table(number: int) -> int:
    return TABLES + number


def _stand_ins(net: Net, primary: Net, leaked: Iterable[Leak]) -> tuple[StandIn, ...]:
    """For what the primary network imports: it alone imports from more than one."""
    return tuple(
        StandIn(prefix, _table(primary.vrf), BEHIND_FRR + net.place)
        for leak in leaked
        if (leak.target, leak.source) == (primary.vrf, net.vrf)
        for prefix in _led_to(leak)
    )


def _led_to(leak: Leak) -> list[Cidr]:
    """What the leak leads to: the default route alone where it has one.

    More of an external network would catch what nobody announces, and what is reached by default.
    """
    permitted = [entry.prefix for entry in leak.entries if entry.permitted]
    default = DEFAULT_ROUTES[leak.version]
    return [default] if default in permitted else permitted


def _families(net: Net, incoming: Iterable[Leak], floating: Collection[int]) -> tuple[Family, ...]:
    """Those that the network has prefixes of, or learns any of."""
    sources: dict[int, set[int]] = {cidr.version: set() for cidr in net.prefixes}
    for leak in incoming:
        sources.setdefault(leak.version, set()).add(leak.source)
    return tuple(
        Family(version, tuple(sorted(sources[version])), version in floating)
        for version in sorted(sources)
    )


def _floating(primary: Net, shared: Iterable[Net], unlike: Collection[int]) -> tuple[int, ...]:
    """The families in which the primary network has a default route of the firewall's own.

    Machines find shared networks by their default route alone, so it must be there also where no
    external network brings one, or has ceased to. Where there is no shared network to be found, the
    firewall must not draw traffic that it would drop: nor where a sibling passes on what it drops.
    """
    return tuple(
        version
        for version in FAMILIES
        if version not in unlike
        and primary.prefixes_of(version)
        and any(net.prefixes_of(version) for net in shared)
    )
