"""Where a packet goes: which firewalls draw it from a network, and into which VRF each leads it."""

from collections.abc import Iterable

from firewalls.configuration.routes import Vrf
from firewalls.reachability.values import Guard, Network, Partition
from networks.common.addressing import IP, Cidr

NOWHERE = -1


def drawn_by(partition: Partition, network: str, address: IP) -> list[Guard]:
    """The firewalls of a network to which its switches send what goes to this address.

    Those with the longest prefix that contains it; over equal ones flows are spread.
    """
    longest = NOWHERE
    guards: list[Guard] = []
    for guard in partition.drawing.get(network, ()):
        length = match_length(guard.announced_in(network)[address.version], address)
        if length > longest:
            longest, guards = length, [guard]
        elif length == longest > NOWHERE:
            guards.append(guard)
    return guards


def match_length(prefixes: Iterable[Cidr], address: IP) -> int:
    """The length of the longest prefix that contains the address; NOWHERE where none does."""
    return max((cidr.prefixlen for cidr in prefixes if address in cidr), default=NOWHERE)


def led_to(guard: Guard, vrf: Vrf, here: Network, address: IP) -> str | None:
    """The network whose VRF a firewall looks the address up in, coming from another (or the same).

    By the longest prefix of what the VRF has itself and of what it imports; None where none leads
    there.
    """
    best = match_length(here.prefixes, address)
    network = here.id if best > NOWHERE else None
    number = int(address)
    for route in guard.imports.get((vrf.network, address.version), ()):
        if route.begins <= number < route.ends and route.length > best:
            best, network = route.length, route.network
    return network
