"""What FRR's text says of routes, as the VRFs that our audit judges. It serves our own text too."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network

from firewalls.configuration.routes import Entry, Family, Leak, Vrf
from firewalls.configuration.routes.leaks import DEFAULT_ROUTES
from firewalls.configuration.values import FAMILIES
from firewalls.reachability.values import EXTERNAL, Network
from networks.common.addressing import IP, Cidr
from tests.reader import frr
from tests.reader.frr import Routing

NO_EXPORT = "no-export"
Addresses = Mapping[str, tuple[IP, ...]]
Named = Mapping[str, Network]  # the networks that the text has, by the name of their VRF


def vrfs(
    routing: Routing, networks: Mapping[str, Network], addresses: Addresses, primary: str
) -> tuple[Vrf, ...]:
    """Those of the networks given that the text has."""
    named = {name(one): one for one in networks.values() if name(one) in routing.vnis}
    return tuple(
        Vrf(
            number=here.vrf,
            network=here.id,
            role="primary" if here.id == primary else _role(here),
            families=tuple(_family(routing, named, here, version) for version in FAMILIES),
            leaks=tuple(_leaks(routing, named, here)),
            addresses=addresses.get(here.id, ()),
            stand_ins=(),
        )
        for here in sorted(named.values(), key=lambda one: one.vrf)
    )


def name(network: Network) -> str:
    """Of its VRF, as FRR and the kernel have it."""
    return f"vrf{network.vrf}"


def _role(network: Network) -> str:
    return "external" if network.kind == EXTERNAL else "shared"


def _family(routing: Routing, named: Named, here: Network, version: int) -> Family:
    sources = routing.imports.get((name(here), version), [])
    floating = (name(here), DEFAULT_ROUTES[version]) in routing.originated
    return Family(version, tuple(named[one].vrf for one in sources if one in named), floating)


def _leaks(routing: Routing, named: Named, here: Network) -> Iterator[Leak]:
    """What it imports of each other VRF: what stays on the firewall, then what the fabric hears."""
    for version in FAMILIES:
        for source in routing.imports.get((name(here), version), []):
            if source not in named:
                continue
            for hidden in (True, False):
                entries = tuple(_entries(routing, here, named[source], version, hidden=hidden))
                if entries:
                    sequence = len(FAMILIES) * named[source].vrf + hidden
                    vrf = named[source].vrf
                    yield Leak(here.vrf, vrf, version, hidden, hidden, entries, sequence)


def _entries(
    routing: Routing, here: Network, source: Network, version: int, *, hidden: bool
) -> Iterator[Entry]:
    told = (name(here), version) in routing.advertised
    seen: set[Cidr] = set()
    for entry in _candidates(routing, here, source, version):
        taken = routing.imported(name(here), name(source), _sample(entry))
        stays = taken is not None and (NO_EXPORT in taken or not told)
        if taken is not None and stays is hidden and entry.prefix not in seen:
            seen.add(entry.prefix)
            longest = entry.longest if entry.longest > entry.prefix.prefixlen else None
            yield Entry(len(seen), True, entry.prefix, longest)


def _candidates(
    routing: Routing, here: Network, source: Network, version: int
) -> Iterator[frr.Entry]:
    """What the lists permit; where everything comes in, what the source is known to have."""
    if (name(here), version) in routing.filters:
        for (family, _), entries in routing.lists.items():
            yield from (one for one in entries if family == version and one.permits)
        return
    for cidr in (*source.prefixes, *source.destination_prefixes):
        if cidr.version == version:
            yield frr.Entry(0, True, cidr, cidr.prefixlen, cidr.max_prefixlen)


def _sample(entry: frr.Entry) -> Cidr:
    """A route of the entry: the prefix itself, or the first inside it that is long enough."""
    return ip_network((entry.prefix.network_address, entry.shortest))
