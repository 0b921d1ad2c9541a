"""What a firewall lets through, and how it translates: the rules of its plan, asked in order."""

from dataclasses import replace

from firewalls.configuration.filters import Flow, Path, PortForward, Ports
from firewalls.configuration.filters.paths import Passage
from firewalls.configuration.plan import Plan
from firewalls.reachability.values import ICMP, TCP, Guard, Network, Packet

BGP, SSH = 179, 22
METRICS = (9100, 9630)  # node exporter, FRR exporter


def forwarded_by(guard: Guard, vrf: int, packet: Packet) -> PortForward | None:
    """The endpoint that the packet is addressed to, coming from a VRF: the first that matches."""
    for forward in guard.plan.port_forwards if guard.plan else ():
        here = vrf in (forward.source, forward.behind)
        meant = packet.port in (None, forward.port) and packet.protocol == forward.protocol
        if here and meant and packet.destination == forward.address:
            return forward
    return None


def delivered(packet: Packet, forward: PortForward | None) -> Packet:
    """The packet after its destination was translated."""
    if forward is None:
        return packet
    return replace(packet, destination=forward.target, port=forward.target_port)


def path_of(
    guard: Guard, source: int, target: int, version: int, forward: PortForward | None
) -> Path | None:
    """The way from one VRF to another, if any flow goes there."""
    way = (source, target, version, forward)
    for path in guard.paths:
        if (path.source, path.target, path.version, path.port_forward) == way:
            return path
    return None


def passage_of(path: Path, packet: Packet) -> Passage | None:
    """The first rule that lets the packet through."""
    for passage in path.passages:
        if matches(passage.flow, packet):
            return passage
    return None


def is_bgp(packet: Packet) -> bool:
    """Machines speak no BGP through a firewall."""
    return packet.protocol == TCP and packet.port == BGP


def is_lawful(path: Path, packet: Packet) -> bool:
    """Whether a machine there may bear this source."""
    origin = path.origin
    if origin is None:
        return True
    lies_there = any(packet.source in cidr for cidr in origin.prefixes)
    return lies_there and packet.source not in origin.own


def seen_as(path: Path, packet: Packet) -> Packet:
    """The packet as the other side sees it: its source perhaps hidden."""
    hiding = path.translation
    if hiding and any(packet.source in cidr for cidr in hiding.sources):
        return replace(packet, source=hiding.address)
    return packet


def matches(flow: Flow, packet: Packet) -> bool:
    if flow.protocol and flow.protocol != packet.protocol:
        return False
    port = packet.port
    if flow.ports and port is not None and not any(_spans(span, port) for span in flow.ports):
        return False
    from_there = not flow.sources or any(packet.source in cidr for cidr in flow.sources)
    return from_there and (
        not flow.destinations or any(packet.destination in cidr for cidr in flow.destinations)
    )


def _spans(ports: Ports, port: int) -> bool:
    return ports.first <= port <= ports.last


def answers_itself(plan: Plan, here: Network, packet: Packet) -> bool:
    """Whether the firewall itself talks to whom sends this from a network.

    Pings are answered, metrics from the primary network, SSH to the management prefixes, but never
    to machines of its own or of a shared network.
    """
    if packet.protocol == ICMP:
        return True
    if packet.protocol != TCP:
        return False
    ports = (packet.port,) if packet.port is not None else (SSH, *METRICS)
    return any(_is_served(plan, here, packet, port) for port in ports)


def _is_served(plan: Plan, here: Network, packet: Packet, port: int) -> bool:
    if port in METRICS:
        return here.vrf == plan.access.metrics_from
    tenant = any(one.vrf == here.vrf for one in plan.access.tenants)
    prefixes = [cidr for one in plan.access.management for cidr in one.prefixes]
    return port == SSH and not tenant and any(packet.source in cidr for cidr in prefixes)
