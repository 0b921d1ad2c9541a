"""Which flows break a law, by the very answers of reachability.

Packets stand for all that rules tell apart, so what one machine of many may do is not missed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from firewalls.configuration.filters import PortForward
from firewalls.configuration.routes.leaks import DEFAULT_ROUTES
from firewalls.configuration.values import FAMILIES
from firewalls.reachability import hops, wording
from firewalls.reachability.answering import Trace, followed, verdict_of
from firewalls.reachability.answers import Verdict
from firewalls.reachability.laws.extents import NOTHING, Box
from firewalls.reachability.laws.values import Breach, Law
from firewalls.reachability.questions import Part, Probe, parts, prefixes_named
from firewalls.reachability.segments import segments
from firewalls.reachability.values import ICMP, Network, Packet, Partition
from networks.common.addressing import Cidr

FAILED = (Verdict.UNREACHABLE, Verdict.AMBIGUOUS)


class Service(NamedTuple):
    """Ports that all rules treat alike, as the packet that stands for them bears one of them."""

    protocol: str
    port: int | None
    span: tuple[int, int]


@dataclass(frozen=True)
class Between:
    """A law, as it is about one network's machines and another one, or the internet."""

    partition: Partition
    law: Law
    source: Network
    target: Network | None

    def breach(self, trace: Trace, box: Box) -> Iterator[Breach]:
        """One, where the packet does what it must not, or does not what it must."""
        verdict = trace.verdict
        forbidden = verdict is not Verdict.UNREACHABLE
        if not (forbidden if self.law.forbids else verdict in FAILED):
            return
        packet, network = trace.probe
        course = min(trace.courses, key=lambda one: verdict_of(one) is not verdict)
        found = [wording.blocker(one).message for one in course.obstacles]
        yield Breach(
            self.law.id,
            self.source.id,
            self.target.id if self.target else "",
            packet.version,
            packet.protocol,
            (box,),
            packet,
            hops.path(self.partition, course, packet, network),
            "" if self.law.forbids else " ".join(found[:1]),
        )

    def services(self) -> list[Service]:
        """Those that the source's firewalls tell apart, of those that the law is about."""
        if self.law.protocol == ICMP:
            return [Service(ICMP, None, NOTHING)]
        if self.law.port is not None:
            port = self.law.port
            return [Service(one, port, (port, port)) for one in self.law.protocols if one != ICMP]
        guards = self.partition.guards_of.get(self.source.id, ())
        return [
            Service(ICMP, None, NOTHING)
            if one.protocol == ICMP
            else Service(one.protocol, one.port, (one.ports.first, one.ports.last))
            for one in segments(guards)
            if one.protocol in self.law.protocols
        ]

    @property
    def families(self) -> tuple[int, ...]:
        return (self.law.family,) if self.law.family else FAMILIES


def breaches(
    partition: Partition, law: Law, source: Network, target: Network | None
) -> Iterator[Breach]:
    """What of a network's machines, on their way into a target, breaks a law that is about it."""
    about = Between(partition, law, source, target)
    if law.forbids and target is not None and not _may_lead(partition, source.id, target.id):
        return
    met = False
    for version in about.families:
        named = _named(partition, source.id, version)
        there = list(_parts(partition, target, version, named))
        here = list(_parts(partition, source, version, named)) if there else []
        for service in about.services() if here else ():
            met = True
            yield from _each(about, here, there, service)
    if not met and not law.forbids:
        yield from _apart(about)


def _apart(about: Between) -> Iterator[Breach]:
    """What must come about, between ends that have no address of the families in common."""
    whole = about.target.prefixes if about.target else (DEFAULT_ROUTES[FAMILIES[0]],)
    for here in about.source.prefixes[:1]:
        for there in whole[:1]:
            law, ends = about.law, (here.network_address, there.network_address)
            packet = Packet(*ends, law.protocol, law.port, about.target is None)
            named = about.source.id, about.target.id if about.target else ""
            boxes = (Box(NOTHING, NOTHING, NOTHING),)
            reason = "The two have no address family in common (R10)."
            versions = law.family or packet.version, law.protocol
            yield Breach(law.id, *named, *versions, boxes, packet, reason=reason)


def _each(
    about: Between, here: list[Part], there: list[Part], service: Service
) -> Iterator[Breach]:
    anywhere = about.target is None
    for one in here:
        for other in there:
            ends = one.address, other.address
            packet = Packet(*ends, service.protocol, service.port, anywhere)
            box = Box(one[1:], other[1:], service.span)
            yield from about.breach(_trace(about.partition, packet, about.source.id), box)


def reach_by_endpoint(
    partition: Partition, law: Law, source: Network, target: Network
) -> Iterator[Breach]:
    """What breaks a law by way of an endpoint that leads to a machine of the target.

    The port that counts is the machine's.
    """
    about = Between(partition, law, source, target)
    joined = {source.id, *_led_into(partition, source.id)}
    for forward, network in _published(partition, target.id):
        port = law.port in (None, forward.target_port)
        version = forward.address.version
        meant = port and forward.protocol in law.protocols and law.family in (None, version)
        if meant and network in joined:
            there, ports = int(forward.address), (forward.port, forward.port)
            named = _named(partition, source.id, version)
            for one in _parts(partition, source, version, named):
                ends = one.address, forward.address
                packet = Packet(*ends, forward.protocol, forward.port)
                box = Box(one[1:], (there, there), ports)
                yield from about.breach(_trace(partition, packet, source.id), box)


def _named(partition: Partition, source: str, version: int) -> set[Cidr]:
    """What the rules of its own firewalls name: whoever else is in it passes nothing of it on.

    So its addresses are told apart alike, whoever else is at hand.
    """
    return set(prefixes_named(partition.drawing.get(source, ()), version))


def _parts(
    partition: Partition, place: Network | None, version: int, named: Iterable[Cidr]
) -> Iterator[Part]:
    """Of a network, or of the internet."""
    for cidr in place.prefixes_of(version) if place else (DEFAULT_ROUTES[version],):
        yield from parts(partition, cidr, named)


def _trace(partition: Partition, packet: Packet, network: str) -> Trace:
    probe = Probe(packet, network)
    return Trace(probe, tuple(followed(partition, probe)))


def _may_lead(partition: Partition, source: str, target: str) -> bool:
    """Whether a firewall of the source is in the target, or runs what is not known."""
    guards = partition.drawing.get(source, ())
    unknown = any(not guard.known for guard in partition.guards_of.get(source, ()))
    return unknown or any(target in guard.vrfs for guard in guards)


def _led_into(partition: Partition, source: str) -> Iterator[str]:
    for guard in partition.guards_of.get(source, ()):
        yield from guard.vrfs


def _published(partition: Partition, target: str) -> Iterator[tuple[PortForward, str]]:
    """The endpoints that lead into a network, each with the one that it is reached from."""
    found = {
        forward: guard.networks[forward.source]
        for guard in partition.guards_of.get(target, ())
        for forward in (guard.plan.port_forwards if guard.plan else ())
    }
    yield from found.items()
