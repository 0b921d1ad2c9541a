"""Who asks for whom: places, and the packets that stand for all that goes between them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from itertools import pairwise
from typing import NamedTuple

from firewalls.configuration.routes.leaks import DEFAULT_ROUTES
from firewalls.configuration.values import FAMILIES
from firewalls.reachability.values import EXTERNAL, TCP, Guard, Machine, Packet, Partition
from networks.common.addressing import IP, Cidr, prefix_of, span, usable

# IANA's special-purpose registries (RFC 6890): what no default route leads to in earnest.
NEVER_INTERNET: tuple[Cidr, ...] = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3"),
        *("::/3", "4000::/2", "8000::/1"),
    )
)


@dataclass(frozen=True, slots=True)
class TheMachine:
    """One machine, by each of its addresses."""

    machine: Machine


@dataclass(frozen=True, slots=True)
class AnAddress:
    """One address, whoever has it."""

    address: IP


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A network (its id): every address that its machines might have."""

    network: str


@dataclass(frozen=True, slots=True)
class AnEndpoint:
    """A port of a firewall's own address in a shared network."""

    address: IP
    port: int
    protocol: str


@dataclass(frozen=True, slots=True)
class Internet:
    """Whatever is reached through a default route, and is of no network here."""


Source = TheMachine | AnAddress | AnyOf
Destination = TheMachine | AnAddress | AnyOf | AnEndpoint | Internet


@dataclass(frozen=True, slots=True)
class Question:
    """Whether the source can open connections there. Without a port: any of the protocol."""

    source: Source
    destination: Destination
    port: int | None = None
    protocol: str = TCP


class Probe(NamedTuple):
    """A packet, and the network that it comes from."""

    packet: Packet
    network: str


def probes(partition: Partition, question: Question, version: int) -> list[Probe]:
    """The packets of one family that the answer depends on."""
    port, protocol = question.port, question.protocol
    if isinstance(question.destination, AnEndpoint):
        port, protocol = question.destination.port, question.destination.protocol
    named = named_by(partition, sources_of(partition, question.source), version)
    anywhere = isinstance(question.destination, Internet)
    destinations = list(_addresses(partition, question.destination, version, named))
    return [
        Probe(Packet(source, destination, protocol, port, anywhere), network)
        for source in _addresses(partition, question.source, version, named)
        for network in sources_of(partition, question.source)
        for destination in destinations
    ]


def versions_of(partition: Partition, place: Source | Destination) -> set[int]:
    """The families in which a place has addresses; the internet has all."""
    return {
        version for version in FAMILIES if any(True for _ in _addresses(partition, place, version))
    }


def sources_of(partition: Partition, place: Source) -> list[str]:
    """The networks that a source may send from; from outside, the external ones that lead there."""
    if isinstance(place, TheMachine):
        return [place.machine.network]
    if isinstance(place, AnyOf):
        return [place.network]
    network = partition.network_of(place.address)
    if network is not None:
        return [network.id]
    return sorted(
        one.id
        for one in partition.networks.values()
        if one.kind == EXTERNAL and any(place.address in cidr for cidr in one.destination_prefixes)
    )


def _addresses(
    partition: Partition, place: Source | Destination, version: int, named: Iterable[Cidr] = ()
) -> Iterator[IP]:
    """Those of a place in one family, or one for each part of it that a rule may tell apart."""
    if isinstance(place, TheMachine):
        yield from (ip for ip in place.machine.addresses if ip.version == version)
    elif isinstance(place, AnyOf):
        for cidr in partition.networks[place.network].prefixes_of(version):
            yield from one_of_each_part(partition, cidr, named)
    elif isinstance(place, Internet):
        yield from one_of_each_part(partition, DEFAULT_ROUTES[version], named)
    elif place.address.version == version:
        yield place.address


def named_by(partition: Partition, networks: Iterable[str], version: int) -> set[Cidr]:
    """The prefixes that rules of the firewalls in these networks name.

    But not those of endpoints, which are asked for by their own addresses.
    """
    guards = (guard for network in networks for guard in partition.joined.get(network, ()))
    return set(prefixes_named(guards, version))


def prefixes_named(guards: Iterable[Guard], version: int) -> Iterator[Cidr]:
    """The same of these firewalls."""
    for guard in guards:
        for path in guard.paths:
            if path.version == version and path.port_forward is None:
                for passage in path.passages:
                    yield from passage.flow.sources
                    yield from passage.flow.destinations


def one_of_each_part(partition: Partition, whole: Cidr, named: Iterable[Cidr]) -> Iterator[IP]:
    """An address of each part of a prefix that rules treat alike, where anybody may have one."""
    for part in parts(partition, whole, named):
        yield part.address


class Part(NamedTuple):
    """Addresses that all rules treat alike: one of them, and the numbers of the first and last."""

    address: IP
    first: int
    last: int


def parts(partition: Partition, whole: Cidr, named: Iterable[Cidr]) -> Iterator[Part]:
    """The parts of a prefix that rules treat alike, where anybody may have an address."""
    first, end = span(whole)
    cuts = {cut for cidr in named for cut in span(cidr) if first < cut < end}
    for begins, ends in pairwise(sorted({first, *cuts, end})):
        for address in first_of(partition, whole, begins, ends):
            yield Part(address, begins, ends - 1)


def first_of(partition: Partition, whole: Cidr, begins: int, ends: int) -> tuple[IP, ...]:
    """The first address from a number on that a machine may have, or that is nobody's here.

    A firewall's own addresses are no machine's, and what is in a network is not the internet.
    """
    key = whole, begins, ends
    if key not in partition.free:
        partition.free[key] = tuple(_first_of(partition, *key))
    return partition.free[key]


def _first_of(partition: Partition, whole: Cidr, begins: int, ends: int) -> Iterator[IP]:
    number = begins
    while number < ends:
        address = whole[number - int(whole.network_address)]
        inside = _known_prefix(partition, address) if whole.prefixlen == 0 else None
        if inside is not None:
            number = span(inside)[1]
        elif _is_firewalls(partition, address) or not usable(whole, address):
            number += 1
        else:
            yield address
            return


def _known_prefix(partition: Partition, address: IP) -> Cidr | None:
    """The prefix of a network here, or behind an external one, or of nobody, with the address."""
    named = [
        cidr
        for network in partition.networks.values()
        if network.kind == EXTERNAL
        for cidr in network.destination_prefixes
        if cidr.prefixlen > 0
    ]
    never = (*NEVER_INTERNET, *named, *partition.inner)
    return partition.prefix_of(address) or prefix_of(address, never)


def _is_firewalls(partition: Partition, address: IP) -> bool:
    return address in partition.holders or address in partition.held
