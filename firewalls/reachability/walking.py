"""Follows a packet from network to network, along every firewall that it may take."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from firewalls.configuration.filters import Path, PortForward
from firewalls.configuration.filters.paths import Passage
from firewalls.reachability import filtering
from firewalls.reachability.obstacles import Obstacle
from firewalls.reachability.routing import drawn_by, led_to
from firewalls.reachability.unled import Leg, not_allowed, not_drawn, not_led, not_outside
from firewalls.reachability.values import EXTERNAL, Guard, Packet, Partition

MOST_CROSSINGS = 4  # its own firewall, and that of an endpoint's; more would be a circle


@dataclass(frozen=True)
class Crossing:
    """A firewall that a packet passes: as it came, as it left, and by which rule."""

    guard: Guard
    source: str
    target: str
    before: Packet
    after: Packet
    path: Path
    passage: Passage
    forward: PortForward | None


@dataclass(frozen=True)
class Course:
    """One way that a packet may take: the firewalls, where it ends, and what stops it there.

    Where it ends at a firewall's own address, `itself` is that firewall.
    """

    crossings: tuple[Crossing, ...]
    packet: Packet
    network: str
    obstacles: tuple[Obstacle, ...] = ()
    itself: Guard | None = None


def courses(
    partition: Partition, packet: Packet, network: str, before: tuple[Crossing, ...] = ()
) -> Iterator[Course]:
    """Every way of a packet that a network's machine, or a firewall, sends there."""
    here = partition.networks[network]
    guard, at = partition.holders.get(packet.destination, (None, ""))
    if guard and at == network:
        yield from _at_firewall(partition, Course(before, packet, network), guard)
    elif here.kind == EXTERNAL:
        yield _outside(partition, Course(before, packet, network))
    elif here.has(packet.destination):
        yield Course(before, packet, network)
    else:
        yield from _through_firewalls(partition, Course(before, packet, network))


def _through_firewalls(partition: Partition, course: Course) -> Iterator[Course]:
    """By each firewall that draws it; one whose routes are not known may draw it as well."""
    packet, network = course.packet, course.network
    unknown = [guard for guard in partition.guards_of.get(network, ()) if not guard.known]
    for guard in unknown:
        obstacle = Obstacle("runs_something_else", packet, network, guard)
        yield replace(course, obstacles=(obstacle,))
    guards = drawn_by(partition, network, packet.destination)
    if len(course.crossings) >= MOST_CROSSINGS:
        guards = []
    for guard in guards:
        yield from _into_firewall(partition, course, guard)
    if not guards and not unknown:
        yield replace(course, obstacles=tuple(not_drawn(partition, network, packet)))


def _at_firewall(partition: Partition, course: Course, guard: Guard) -> Iterator[Course]:
    """At a firewall's address, in a network that it is in: an endpoint, or the firewall itself."""
    if not guard.known:
        unknown = Obstacle("runs_something_else", course.packet, course.network, guard)
        yield replace(course, obstacles=(unknown,))
    else:
        yield from _into_firewall(partition, course, guard)


def _into_firewall(partition: Partition, course: Course, guard: Guard) -> Iterator[Course]:
    """First its destination is translated, then looked up, then what it is judged by the rules."""
    packet, here = course.packet, partition.networks[course.network]
    vrf = guard.vrfs[here.id]
    forward = filtering.forwarded_by(guard, vrf.number, packet)
    if forward is None and partition.holders.get(packet.destination, (None, ""))[0] is guard:
        yield _itself(partition, course, guard)
        return
    inward = filtering.delivered(packet, forward)
    target = led_to(guard, vrf, here, inward.destination)
    obstacles = list(not_led(partition, guard, here.id, target, inward))
    if obstacles or target is None:
        yield replace(course, obstacles=tuple(obstacles))
        return
    leg = Leg(guard, here.id, target, inward, forward)
    yield from _judged(partition, course, leg)


def _judged(partition: Partition, course: Course, leg: Leg) -> Iterator[Course]:
    """What the rules let through goes on, perhaps from a translated source."""
    guard, source, target, packet, forward = leg
    numbers = guard.vrfs[source].number, guard.vrfs[target].number
    path = filtering.path_of(guard, *numbers, packet.version, forward)
    passage = filtering.passage_of(path, packet) if path else None
    obstacles = not_allowed(partition, leg, path, passage)
    if obstacles or path is None or passage is None:
        yield replace(course, obstacles=tuple(obstacles))
        return
    after = filtering.seen_as(path, packet)
    crossing = Crossing(guard, source, target, course.packet, after, path, passage, forward)
    yield from courses(partition, after, target, (*course.crossings, crossing))


def _itself(partition: Partition, course: Course, guard: Guard) -> Course:
    """The firewall answers for itself, or it does not."""
    here = partition.networks[course.network]
    served = guard.plan and filtering.answers_itself(guard.plan, here, course.packet)
    closed = Obstacle("firewall_closed", course.packet, here.id, guard)
    return replace(course, itself=guard, obstacles=() if served else (closed,))


def _outside(partition: Partition, course: Course) -> Course:
    """Outside of the partition: there is what the networks are told of, and nothing private."""
    crossed = bool(course.crossings)
    obstacles = not_outside(partition, course.network, course.packet, crossed)
    return replace(course, obstacles=tuple(obstacles))
