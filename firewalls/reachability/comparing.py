"""Which flows come and go between two partitions: what was, and what is or would be.

Packets stand for all that rules tell apart on either side, so nothing that changes is missed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from firewalls.configuration.filters import Flow, PortForward
from firewalls.configuration.values import FAMILIES
from firewalls.reachability.answering import Trace, followed
from firewalls.reachability.answers import Verdict
from firewalls.reachability.changed import Change, Service, collected, in_all_families
from firewalls.reachability.questions import Probe, named_by, one_of_each_part
from firewalls.reachability.segments import Segment, segments
from firewalls.reachability.values import EXTERNAL, Guard, Packet, Partition
from networks.common.addressing import IP, Cidr, prefix_of


class Part(NamedTuple):
    """Addresses that all rules treat alike: one of them, and what they are called."""

    address: IP
    cidr: Cidr


class Aim(NamedTuple):
    """Where packets go: a network with the parts of it, or an endpoint in it."""

    network: str
    parts: tuple[Part, ...]
    forward: PortForward | None = None


@dataclass(frozen=True)
class Sides:
    """The partition before and after, with the same networks; firewalls are known by their ids."""

    before: Partition
    after: Partition

    @cached_property
    def both(self) -> Partition:
        """With the firewalls of both sides: what either of them tells apart, and has."""
        return replace(self.after, guards=(*self.before.guards, *self.after.guards))

    @cached_property
    def homes(self) -> list[str]:
        """The networks of which some firewall does something else than before."""
        old = {guard.id: guard for guard in self.before.guards}
        new = {guard.id: guard for guard in self.after.guards}
        return sorted(
            {
                guard.network
                for id in old.keys() | new.keys()
                if not _alike(old.get(id), new.get(id))
                for guard in (old.get(id), new.get(id))
                if guard
            }
        )


def compared(before: Partition, after: Partition) -> list[Change]:
    """The flows that are gained, lost, or otherwise than they were; by network."""
    networks = {**before.networks, **after.networks}
    sides = Sides(replace(before, networks=networks), replace(after, networks=networks))
    return in_all_families(one for home in sides.homes for one in _of_home(sides, home))


def _alike(old: Guard | None, new: Guard | None) -> bool:
    if old is None or new is None:
        return old is new
    return old.plan == new.plan and old.known == new.known


def _of_home(sides: Sides, home: str) -> Iterator[Change]:
    """What its machines open, what is opened to its endpoints, and what comes in to it."""
    guards = sides.both.guards_of[home]
    services = segments(guards)
    for version in FAMILIES:
        sources = _parts(sides.both, home, home, version)
        for aim in _aims(sides, home, version):
            yield from _between(sides, home, aim, sources, services)
        for forward in _forwards(guards, version):
            yield from _published(sides, home, forward)
    yield from _let_in(sides, home)


def _aims(sides: Sides, home: str, version: int) -> Iterator[Aim]:
    """The networks that its firewalls are in, beside itself."""
    joined = {network for guard in sides.both.guards_of[home] for network in guard.vrfs}
    for network in sorted(joined - {home}):
        if parts := tuple(_parts(sides.both, home, network, version)):
            yield Aim(network, parts)


def _parts(both: Partition, home: str, network: str, version: int) -> list[Part]:
    """Of a network as rules of the home's firewalls tell its addresses apart."""
    here = both.networks[network]
    cidrs = (*here.prefixes, *here.destination_prefixes)
    named = named_by(both, [home], version)
    return [
        Part(address, prefix_of(address, _smallest(named)) or cidr)
        for cidr in cidrs
        if cidr.version == version
        for address in one_of_each_part(both, cidr, named)
    ]


def _smallest(named: Iterable[Cidr]) -> list[Cidr]:
    return sorted(named, key=lambda cidr: -cidr.prefixlen)


def _between(
    sides: Sides, home: str, aim: Aim, sources: list[Part], services: list[Segment]
) -> list[Change]:
    """What differs between a network and another one."""
    found: dict[tuple[Cidr, Verdict, Verdict], dict[Service, None]] = defaultdict(dict)
    for source in sources:
        for part in aim.parts:
            for segment in services:
                packet = _packet(sides.both, aim, source, part, segment)
                pair = _verdicts(sides, Probe(packet, home))
                if pair[0] is not pair[1]:
                    service = Service(segment.protocol, segment.ports, part.cidr)
                    found[(source.cidr, *pair)][service] = None
    ends = sides.both.networks[home], sides.both.networks[aim.network]
    every = {part.cidr for part in aim.parts}
    return collected(*ends, found, {source.cidr for source in sources}, every)


def _packet(both: Partition, aim: Aim, source: Part, part: Part, segment: Segment) -> Packet:
    outside = both.networks[aim.network].kind == EXTERNAL and part.cidr.prefixlen == 0
    return Packet(source.address, part.address, segment.protocol, segment.port, outside)


def _verdicts(sides: Sides, probe: Probe) -> tuple[Verdict, Verdict]:
    before, after = (
        Trace(probe, tuple(followed(side, probe))).verdict for side in (sides.before, sides.after)
    )
    return before, after


def _forwards(guards: Iterable[Guard], version: int) -> list[PortForward]:
    """The endpoints of either side."""
    found = {
        forward
        for guard in guards
        for forward in (guard.plan.port_forwards if guard.plan else ())
        if forward.address.version == version
    }
    return sorted(found, key=lambda one: (one.source, int(one.address), one.protocol, one.port))


def _published(sides: Sides, home: str, forward: PortForward) -> Iterator[Change]:
    """Of an endpoint, as machines of its network reach it, and those behind its firewall."""
    guards = sides.both.guards_of[home]
    numbers = {number: network for guard in guards for number, network in guard.networks.items()}
    network, version = numbers[forward.source], forward.address.version
    for source in (network, home):
        for part in _parts(sides.both, home, source, version)[:1]:
            packet = Packet(part.address, forward.address, forward.protocol, forward.port)
            pair = _verdicts(sides, Probe(packet, source))
            if pair[0] is not pair[1]:
                ends = sides.both.networks[source], sides.both.networks[network]
                yield Change.of_endpoint(*ends, forward, *pair)


def _let_in(sides: Sides, home: str) -> Iterator[Change]:
    """What rules let in from external networks; whether it arrives is decided outside."""
    before, after = (_ingress(side, home) for side in (sides.before, sides.after))
    for network, flow in sorted(before ^ after, key=str):
        gone = (network, flow) in before
        ends = sides.both.networks[network], sides.both.networks[home]
        yield Change.of_flow(*ends, flow, gone)


def _ingress(side: Partition, home: str) -> set[tuple[str, Flow]]:
    return {
        (network, replace(passage.flow, comment=""))
        for guard in side.guards_of.get(home, ())
        for path in guard.paths
        if guard.networks.get(path.target) == home and path.port_forward is None
        for network in [guard.networks[path.source]]
        if side.networks[network].kind == EXTERNAL
        for passage in path.passages
    }
