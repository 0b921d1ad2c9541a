"""What a network's firewalls let in from outside, where a law forbids that."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from firewalls.configuration.filters import Flow, Path
from firewalls.configuration.filters.paths import Passage
from firewalls.configuration.routes.leaks import DEFAULT_ROUTES
from firewalls.reachability import hops
from firewalls.reachability.answers import Hop
from firewalls.reachability.laws.extents import NOTHING, Box
from firewalls.reachability.laws.values import Breach, Law
from firewalls.reachability.segments import ALL
from firewalls.reachability.values import EXTERNAL, ICMP, Guard, Network, Packet, Partition
from networks.common.addressing import IP, Cidr, span


def let_in(partition: Partition, law: Law, target: Network) -> Iterator[Breach]:
    """What a target's firewalls let in from outside; whether it arrives is decided there."""
    for guard in partition.guards_of.get(target.id, ()):
        for path in guard.paths:
            network = partition.networks[guard.networks[path.source]]
            inward = guard.networks[path.target] == target.id and network.kind == EXTERNAL
            meant = inward and law.family in (None, path.version)
            for passage in path.passages if meant else ():
                for protocol in law.protocols:
                    if spans := _let_through(law, passage.flow, protocol):
                        boxes = tuple(_boxes(passage.flow, target, spans))
                        at = _Entry(guard, network, path, passage)
                        yield from _entry(law, target, at, protocol, boxes)


class _Entry(NamedTuple):
    guard: Guard
    network: Network
    path: Path
    passage: Passage


def _entry(
    law: Law, target: Network, at: _Entry, protocol: str, boxes: tuple[Box, ...]
) -> Iterator[Breach]:
    for box in boxes[:1]:
        ends = _address(box.sources[0], at.path), _address(box.destinations[0], at.path)
        packet = Packet(*ends, protocol, box.ports[0] or None)
        path = (
            Hop("outside", hops.INTERNET, note=f"by way of {at.network.id}"),
            Hop("vrf", at.network.id, vrf=at.network.vrf),
            Hop(
                "firewall",
                at.guard.name,
                rule=hops.words(at.passage.flow),
                line=hops.line(at.guard, at.passage),
            ),
            Hop("vrf", target.id, vrf=target.vrf),
        )
        ends_of = at.network.id, target.id, at.path.version, protocol
        yield Breach(law.id, *ends_of, boxes, packet, path, outside=True)


def _address(number: int, path: Path) -> IP:
    return DEFAULT_ROUTES[path.version][number]


def _let_through(law: Law, flow: Flow, protocol: str) -> list[tuple[int, int]]:
    """Of the ports that the law is about those that the rule lets through; none if it does not."""
    if flow.protocol not in ("", protocol):
        return []
    if protocol == ICMP:
        return [NOTHING] if law.port is None else []
    spans = [(one.first, one.last) for one in flow.ports or (ALL,)]
    if law.port is None:
        return spans
    return [(law.port, law.port)] if any(a <= law.port <= b for a, b in spans) else []


def _boxes(flow: Flow, target: Network, spans: Iterable[tuple[int, int]]) -> Iterator[Box]:
    sources: Iterable[Cidr] = flow.sources or (DEFAULT_ROUTES[flow.version],)
    destinations: Iterable[Cidr] = flow.destinations or target.prefixes_of(flow.version)
    for ports in spans:
        for source in sources:
            for destination in destinations:
                yield Box(_ends(source), _ends(destination), ports)


def _ends(cidr: Cidr) -> tuple[int, int]:
    first, end = span(cidr)
    return first, end - 1
