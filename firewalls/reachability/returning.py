"""Whether replies find back to the firewall that knows the connection, along the same way."""

from collections.abc import Iterator
from dataclasses import replace

from firewalls.reachability.obstacles import Obstacle
from firewalls.reachability.routing import drawn_by
from firewalls.reachability.values import EXTERNAL, Packet, Partition
from firewalls.reachability.walking import Course, Crossing


def with_way_back(partition: Partition, course: Course) -> Course:
    """The same course, with what is in the way of its replies.

    Another firewall than the one that let a connection in drops its replies: it knows of none.
    """
    if course.obstacles:
        return course
    obstacles = [
        obstacle
        for crossing in reversed(course.crossings)
        for obstacle in _lost(partition, crossing)
    ]
    return replace(course, obstacles=tuple(obstacles))


def _lost(partition: Partition, crossing: Crossing) -> Iterator[Obstacle]:
    """Nothing where the reply goes to the firewall's own address, which is nobody else's."""
    seen, guard, network = crossing.after, crossing.guard, crossing.target
    if partition.holders.get(seen.source, (None, ""))[0] is guard:
        return
    reply = Packet(seen.destination, seen.source, seen.protocol)
    if partition.networks[network].kind == EXTERNAL:
        yield Obstacle("way_back_outside", reply, network, guard, crossing.source)
        return
    for other in partition.guards_of.get(network, ()):
        if not other.known:
            yield Obstacle("runs_something_else", reply, network, other, crossing.source)
    drawing = drawn_by(partition, network, reply.destination)
    if guard not in drawing:
        yield Obstacle("no_way_back", reply, network, guard, crossing.source)
    for other in drawing:
        if other is not guard and guard in drawing:
            yield Obstacle("reply_elsewhere", reply, network, other, crossing.source)
