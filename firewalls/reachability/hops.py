"""A course as people follow it: hop by hop there, and back."""

from collections.abc import Iterator
from ipaddress import IPv4Address

from firewalls.configuration.filters import Flow
from firewalls.configuration.filters.paths import Passage
from firewalls.reachability.answers import Hop, Translated
from firewalls.reachability.values import EXTERNAL, ICMP, Guard, Packet, Partition
from firewalls.reachability.walking import Course, Crossing
from networks.common.addressing import IP

INTERNET = "the internet"


def path(partition: Partition, course: Course, start: Packet, network: str) -> tuple[Hop, ...]:
    """From the source as far as it gets."""
    hops = [_end(partition, start.source, network), _vrf(partition, network)]
    for crossing in course.crossings:
        hops += _crossed(crossing)
        hops.append(_vrf(partition, crossing.target))
    if not course.obstacles or course.itself:
        hops.append(_arrival(partition, course))
    return tuple(hops)


def return_path(
    partition: Partition, course: Course, start: Packet, network: str
) -> tuple[Hop, ...]:
    """The way of replies; nothing where none comes to be."""
    if course.obstacles:
        return ()
    hops = [_arrival(partition, course)]
    for crossing in reversed(course.crossings):
        hops += [_vrf(partition, crossing.target), _back(crossing)]
    hops += [_vrf(partition, network), _end(partition, start.source, network)]
    return tuple(hops)


def _end(partition: Partition, address: IP, network: str) -> Hop:
    """Who has an address: a machine, or somebody of the network, or outside."""
    if machine := partition.machine_at.get(address):
        return Hop("machine", machine.name, address=address)
    if partition.network_of(address) is None:
        return Hop("outside", INTERNET, address=address, note=f"by way of {network}")
    return Hop("address", str(address), address=address, note=f"of {network}")


def _arrival(partition: Partition, course: Course) -> Hop:
    if course.itself:
        return Hop("firewall", course.itself.name, address=course.packet.destination)
    if course.packet.anywhere:
        return Hop("outside", INTERNET, note=f"by way of {course.network}")
    return _end(partition, course.packet.destination, course.network)


def _vrf(partition: Partition, network: str) -> Hop:
    here = partition.networks[network]
    note = "outside of the partition" if here.kind == EXTERNAL else ""
    return Hop("vrf", network, vrf=here.vrf, note=note)


def _crossed(crossing: Crossing) -> Iterator[Hop]:
    """The endpoint that was meant, if one was, and the firewall."""
    if crossing.forward:
        yield _endpoint(crossing)
    passage = crossing.passage
    hidden = Translated("source", str(crossing.before.source), str(crossing.after.source))
    yield Hop(
        "firewall",
        crossing.guard.name,
        address=crossing.after.source if hidden.before != hidden.after else None,
        rule=words(passage.flow),
        line=line(crossing.guard, passage),
        translation=hidden if hidden.before != hidden.after else None,
    )


def _endpoint(crossing: Crossing) -> Hop:
    forward = crossing.forward
    assert forward is not None
    before = _place(forward.address, forward.port)
    after = _place(forward.target, forward.target_port)
    return Hop(
        "endpoint",
        f"{before}/{forward.protocol}",
        address=forward.address,
        rule=forward.comment,
        translation=Translated("destination", before, after),
    )


def _back(crossing: Crossing) -> Hop:
    """A firewall takes back what it has translated, and lets through what goes on."""
    before, after = crossing.before.source, crossing.after.source
    shown = Translated("destination", str(after), str(before)) if before != after else None
    return Hop("firewall", crossing.guard.name, rule="replies, and what goes on", translation=shown)


def words(flow: Flow) -> str:
    """A rule in words: what passes, and what it is called."""
    spans = [
        f"{one.first}-{one.last}" if one.last > one.first else f"{one.first}" for one in flow.ports
    ]
    what = "pings" if flow.protocol == ICMP else flow.protocol or "everything"
    ports = f" {', '.join(spans)}" if spans else ""
    there = f" to {', '.join(map(str, flow.destinations))}" if flow.destinations else ""
    return f"{what}{ports}{there}: {flow.comment}"


def line(guard: Guard, passage: Passage) -> str:
    """The line of the rendered rules that lets it through: it alone gives this mark."""
    given = f"ct mark set {passage.mark} counter"
    return next((text.strip() for text in guard.rules if given in text), "")


def _place(address: IP, port: int) -> str:
    return f"{address}:{port}" if isinstance(address, IPv4Address) else f"[{address}]:{port}"
