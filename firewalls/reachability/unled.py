"""Why a packet is not drawn by a firewall, not led on by it, or not let through."""

from collections.abc import Iterator
from typing import NamedTuple

from firewalls.configuration.filters import Path, PortForward
from firewalls.configuration.filters.paths import Passage
from firewalls.reachability import filtering
from firewalls.reachability.obstacles import Obstacle
from firewalls.reachability.values import EXTERNAL, PRIVATE, Guard, Network, Packet, Partition
from machines.rules import in_partition


class Leg(NamedTuple):
    """A packet at a firewall: from which network into which, after its destination was translated.

    `forward` is the endpoint that it was addressed to, if it was.
    """

    guard: Guard
    source: str
    target: str
    packet: Packet
    forward: PortForward | None = None


def not_drawn(partition: Partition, network: str, packet: Packet) -> list[Obstacle]:
    """Why no firewall draws it from the network: everything that would have to be otherwise."""
    guards = partition.guards_of.get(network, [])
    obstacles = []
    if not guards:
        obstacles.append(Obstacle("no_firewall", packet, network))
    obstacles += _about_target(partition, network, packet)
    for guard in guards:
        obstacles += _not_joined(partition, guard, network, packet)
    return obstacles or [Obstacle("no_route", packet, network)]


def not_led(
    partition: Partition, guard: Guard, network: str, target: str | None, packet: Packet
) -> Iterator[Obstacle]:
    """Why a firewall that draws it does not lead it to where it belongs.

    What is private is known by its prefix: the way outside leads nowhere near it.
    """
    place = partition.network_of(packet.destination)
    if target is not None and (place is None or place.id == target):
        return
    if target is None or (place is not None and place.kind == PRIVATE):
        yield from _about_target(partition, network, packet)
        yield from _not_joined(partition, guard, network, packet)


def not_allowed(
    partition: Partition, leg: Leg, path: Path | None, passage: Passage | None
) -> list[Obstacle]:
    """Why the rules of a firewall do not let it through."""
    guard, source, target, packet, _ = leg
    if filtering.is_bgp(packet):
        return [Obstacle("bgp", packet, source, guard, target)]
    if path is not None and not _is_lawful(partition, leg, path):
        return [Obstacle("forged", packet, source, guard, target)]
    if passage is not None:
        return []
    code = "nothing_allowed"
    if not _can_hide(partition, leg):
        code = "cannot_hide"
    elif source == guard.network:
        external = partition.networks[target].kind == EXTERNAL
        code = "no_egress_rule" if external else "narrowed"
    elif partition.networks[source].kind == EXTERNAL:
        code = "no_ingress_rule"
    return [Obstacle(code, packet, source, guard, target)]


def _is_lawful(partition: Partition, leg: Leg, path: Path) -> bool:
    """Whether a machine there may bear this source: into shared networks, those of its own."""
    if leg.source == leg.guard.network and path.origin is None:
        return partition.networks[leg.source].has(leg.packet.source)
    return filtering.is_lawful(path, leg.packet)


def not_outside(
    partition: Partition, network: str, packet: Packet, crossed: bool
) -> Iterator[Obstacle]:
    """Why it does not arrive outside, or why nobody here knows whether it does."""
    place = partition.network_of(packet.destination)
    if place is None and not crossed:
        yield Obstacle("outside_alone", packet, network)
    elif place is None:
        yield from _named_elsewhere(partition, network, packet)
    elif place.kind == PRIVATE:
        yield Obstacle("hidden_from_outside", packet, network, target=place.id)
    elif place.id != network:
        yield Obstacle("led_outside", packet, network, target=place.id)
    elif not crossed:
        yield from _let_in(partition, network, packet)


def _named_elsewhere(partition: Partition, network: str, packet: Packet) -> Iterator[Obstacle]:
    """What other external networks name as theirs to reach, and this one leads to by default."""
    naming = sorted(
        one.id
        for one in partition.networks.values()
        if any(packet.destination in cidr for cidr in one.destination_prefixes if cidr.prefixlen)
    )
    if naming and network not in naming:
        yield Obstacle("led_outside", packet, network, target=naming[0])


def _let_in(partition: Partition, network: str, packet: Packet) -> list[Obstacle]:
    """A public address may live behind any firewall that lets this in, or elsewhere outside."""
    obstacles = []
    for guard in partition.joined.get(network, ()):
        leg = Leg(guard, network, guard.network, packet)
        numbers = guard.vrfs[network].number, guard.vrfs[guard.network].number
        path = filtering.path_of(guard, *numbers, packet.version, None)
        passage = filtering.passage_of(path, packet) if path else None
        refused = not_allowed(partition, leg, path, passage)
        if not refused:
            return [Obstacle("lives_elsewhere", packet, network, guard, guard.network)]
        obstacles += refused
    return obstacles or [Obstacle("lives_elsewhere", packet, network)]


def _about_target(partition: Partition, network: str, packet: Packet) -> Iterator[Obstacle]:
    """What stands in the way at the network itself that has the address, whoever asks."""
    place = partition.network_of(packet.destination)
    if place is None:
        return
    here = partition.networks[network]
    if _is_elsewhere(here, place):
        yield Obstacle("other_partition", packet, network, target=place.id)
    if place.kind == EXTERNAL or _is_elsewhere(here, place):
        return
    for guard in partition.guards_of.get(place.id, ()):
        if here.shared and here.id in guard.vrfs:
            yield Obstacle("shared_never_opens", packet, network, guard, place.id)
    if not place.shared:
        yield Obstacle("not_shared", packet, network, target=place.id)


def _not_joined(
    partition: Partition, guard: Guard, network: str, packet: Packet
) -> Iterator[Obstacle]:
    """What this firewall has not joined, of what leads there."""
    place = partition.network_of(packet.destination)
    if guard.plan is None:
        yield Obstacle("never_pushed", packet, network, guard)
    elif place is None:
        yield Obstacle("no_way_outside", packet, network, guard)
    elif place.id in guard.vrfs:
        yield Obstacle("no_route", packet, network, guard, place.id)
    elif not _is_elsewhere(partition.networks[network], place):
        yield Obstacle("not_joined", packet, network, guard, place.id)


def _is_elsewhere(here: Network, place: Network) -> bool:
    """Whether it is of another partition, so that nobody here may join it (R2)."""
    return any(in_partition(place, here.partition, "network"))


def _can_hide(partition: Partition, leg: Leg) -> bool:
    """Whether the firewall has the address that what it lets through must show there, if any."""
    guard, source, target, packet, forward = leg
    there = partition.networks[target]
    hides = there.nat if there.kind == EXTERNAL else source == guard.network
    if target == guard.network and forward is None:
        return True
    addresses = guard.vrfs[target].addresses
    return not hides or any(one.version == packet.version for one in addresses)
