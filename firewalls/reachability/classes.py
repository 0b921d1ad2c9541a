"""The packets that stand for all that one rule of a firewall treats alike."""

from collections.abc import Iterable, Iterator, Mapping

from firewalls.configuration.filters import Flow, Path, PortForward
from firewalls.configuration.routes import Vrf
from firewalls.reachability.filtering import matches
from firewalls.reachability.questions import Probe, first_of
from firewalls.reachability.routing import led_to
from firewalls.reachability.values import PRIVATE, TCP, Guard, Network, Packet, Partition
from networks.common.addressing import IP, Cidr, inner

Publishing = Mapping[int, Iterable[PortForward]]
Place = tuple[Cidr, Network]  # a part of a network


def publishing(partition: Partition) -> Publishing:
    """Every endpoint, by the VRF that it is in."""
    forwards: dict[int, dict[PortForward, None]] = {}
    for guard in partition.guards:
        for forward in guard.plan.port_forwards if guard.plan else ():
            forwards.setdefault(forward.source, {})[forward] = None
    return forwards


def classes(partition: Partition, guard: Guard, published: Publishing) -> Iterator[Probe]:
    """A packet for each rule by which it lets a private network's machines into another one."""
    for path in guard.paths:
        source = partition.networks[guard.networks[path.source]]
        led = list(_led(partition, guard, path)) if source.kind == PRIVATE else []
        for passage in path.passages if source.kind == PRIVATE else ():
            flow = passage.flow
            for sender in _within(partition, source, flow.sources, path.version):
                packets = _into_networks(partition, flow, sender, led)
                for packet in (*packets, *_to_endpoints(path, flow, sender, published)):
                    yield Probe(packet, source.id)


def _into_networks(
    partition: Partition, flow: Flow, sender: IP, led: Iterable[Place]
) -> Iterator[Packet]:
    protocol, port = flow.protocol or TCP, flow.ports[0].first if flow.ports else None
    for cidr, network in led:
        for address in _within(partition, network, flow.destinations, sender.version, cidr):
            yield Packet(sender, address, protocol, port)


def _to_endpoints(path: Path, flow: Flow, sender: IP, published: Publishing) -> Iterator[Packet]:
    """The one that the way is of, or those of the network that it leads into."""
    own = path.port_forward
    if own is None:
        for forward in published.get(path.target, ()):
            packet = _addressed(sender, forward)
            if packet.version == path.version and matches(flow, packet):
                yield packet
    elif path.source == own.source:  # from behind the firewall it leads back into the same network
        yield _addressed(sender, own)


def _addressed(sender: IP, forward: PortForward) -> Packet:
    return Packet(sender, forward.address, forward.protocol, forward.port)


def _led(partition: Partition, guard: Guard, path: Path) -> Iterator[Place]:
    """The parts of other private networks that it leads to on this way."""
    here = partition.networks[guard.networks[path.source]]
    vrf, target = guard.vrfs[here.id], guard.networks[path.target]
    for cidr in _imported(vrf, path):
        for part, network in partition.places.parts(cidr):
            another = network.kind == PRIVATE and network.id != here.id
            if another and led_to(guard, vrf, here, part[0]) == target:
                yield part, network


def _imported(vrf: Vrf, path: Path) -> Iterator[Cidr]:
    """What its VRF knows of others, but the default route. An endpoint is found by its address."""
    for leak in vrf.leaks if path.port_forward is None else ():
        for entry in leak.entries:
            if leak.version == path.version and entry.permitted and entry.prefix.prefixlen > 0:
                yield entry.prefix


def _within(
    partition: Partition,
    network: Network,
    named: Iterable[Cidr],
    version: int,
    part: Cidr | None = None,
) -> Iterator[IP]:
    """An address that a machine may have, of each part of a network that is named; of any if none.

    Rules name what they treat alike, so of a class one address will do.
    """
    for whole in network.prefixes_of(version):
        here = part or whole
        if not here.overlaps(whole):
            continue
        here = inner(here, whole)
        for cidr in named or (here,):
            if cidr.version == version and cidr.overlaps(here):
                meant = inner(cidr, here)
                begins = int(meant.network_address)
                yield from first_of(partition, whole, begins, begins + meant.num_addresses)
