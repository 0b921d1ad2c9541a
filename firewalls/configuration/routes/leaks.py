"""Which routes of one VRF are usable in another: the lists that permit them.

An import list permits what it names and nothing else. Each address family has lists of its own.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import ip_network
from zlib import crc32

from firewalls.configuration.routes.numbers import claim
from firewalls.configuration.values import FAMILIES, REMEMBERED, Net, of_family
from networks.common.addressing import IP, Cidr

# Sequence numbers of a prefix list: what is denied comes first.
DENIES = range(1, 100_000)
PERMITS = range(100_000, 1_000_000)
DEFAULT_ROUTES: Mapping[int, Cidr] = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a prefix list: the prefix, and up to which length prefixes inside it as well.

    Without a longest it is exactly this prefix.
    """

    sequence: int
    permitted: bool
    prefix: Cidr
    longest: int | None


@dataclass(frozen=True, slots=True)
class Leak:
    """Routes of one VRF usable in another: those that the entries permit.

    With no_export they are announced to nobody else (RFC 1997). What is `private` is so as a rule,
    and named and numbered accordingly; it is announced where siblings are unlike. So that is one
    line more or less, and no route goes meanwhile. The sequence is its place among all leaks into
    the same VRF.
    """

    target: int
    source: int
    version: int
    private: bool
    no_export: bool
    entries: tuple[Entry, ...]
    sequence: int


def leaks(
    primary: Net, shared: Iterable[Net], externals: Iterable[Net], announced: Collection[int] = ()
) -> list[Leak]:
    """Into and out of the primary network's VRF: other networks never learn of one another.

    `announced`: the families in which the primary's switches are told of shared networks.
    """
    leaked: list[Leak] = []
    for net in shared:
        leaked += _with_shared(primary, net, announced)
    for net in externals:
        leaked += _from_external(primary, net)
        leaked += _into_external(primary, net)
    return sorted(leaked, key=lambda leak: leak.sequence)


def _with_shared(primary: Net, shared: Net, announced: Collection[int]) -> Iterator[Leak]:
    """Both ways, so that traffic finds its way and replies theirs.

    Nobody else ever learns of the primary, and nobody of the shared one where a default route will
    do: see `Family.floating_default`.
    """
    for version in FAMILIES:
        own = primary.prefixes_of(version)
        others = shared.prefixes_of(version)
        if own and others:
            inward = _leak(primary, shared, version, _permitted(others), private=True)
            yield replace(inward, no_export=version not in announced)
            yield _leak(shared, primary, version, _permitted(own), private=True)


def _from_external(primary: Net, external: Net) -> Iterator[Leak]:
    """What is reached through it, but not the firewall's own addresses."""
    for version in external.families():
        reached = _reached(external, version)
        if reached:
            own = [address for address in external.addresses if address.version == version]
            entries = (*_denied(own), *_permitted(reached))
            yield _leak(primary, external, version, entries, private=False)


def _into_external(primary: Net, external: Net) -> Iterator[Leak]:
    """The private prefixes for its replies alone, the public ones for everybody."""
    for version in external.families():
        private = primary.prefixes_of(version)
        public = external.prefixes_of(version)
        if private:
            yield _leak(external, primary, version, _permitted(private), private=True)
        if public:
            yield _leak(external, primary, version, _permitted(public), private=False)


def _reached(external: Net, version: int) -> tuple[Cidr, ...]:
    """The default route by itself, then its further destinations and its own prefixes."""
    known = (*external.destination_prefixes, *external.prefixes)
    further = of_family(tuple(cidr for cidr in known if cidr.prefixlen > 0), version)
    if external.has_default_route(version):
        return (DEFAULT_ROUTES[version], *further)
    return further


def _leak(
    target: Net,
    source: Net,
    version: int,
    entries: tuple[Entry, ...],
    *,
    private: bool,
) -> Leak:
    """Its sequence has ten places per source: two per family, the first of them with no-export."""
    family = 2 * FAMILIES.index(version)
    sequence = 10 * source.place + family + (1 if private else 2)
    return Leak(target.vrf, source.vrf, version, private, private, entries, sequence)


@lru_cache(REMEMBERED)
def _permitted(prefixes: tuple[Cidr, ...]) -> tuple[Entry, ...]:
    return tuple(_numbered(prefixes, PERMITS, True))


def _denied(addresses: Iterable[IP]) -> list[Entry]:
    return _numbered(map(ip_network, addresses), DENIES, False)


def _numbered(prefixes: Iterable[Cidr], places: range, permitted: bool) -> list[Entry]:
    """A sequence number follows from the prefix itself, unless another prefix has it already."""
    taken: set[int] = set()
    entries = []
    for cidr in sorted(set(prefixes), key=str):
        sequence = claim(places, crc32(str(cidr).encode()), taken)
        entries.append(Entry(sequence, permitted, cidr, _longest(cidr)))
    return sorted(entries, key=lambda entry: entry.sequence)


def _longest(cidr: Cidr) -> int | None:
    """A default route and a host are matched exactly, any other prefix with all that is inside."""
    return cidr.max_prefixlen if 0 < cidr.prefixlen < cidr.max_prefixlen else None
