"""How addresses are translated: sources hide behind the firewall's, and its ports are forwarded."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from firewalls.configuration.values import FAMILIES, Endpoint, Net, one_line
from networks.common.addressing import IP, Cidr


@dataclass(frozen=True, slots=True)
class Translation:
    """What these sources send into the target (its VRF) shows this address of the firewall.

    Where it is of port forwards, it is only what was addressed to one.
    """

    target: int
    version: int
    sources: tuple[Cidr, ...]
    address: IP
    comment: str
    of_port_forwards: bool = False


@dataclass(frozen=True, slots=True)
class PortForward:
    """What comes to this address and port of a shared network (its VRF) goes to one machine's.

    It comes from that network, and from the one behind the firewall (its VRF).
    """

    source: int
    behind: int
    version: int
    address: IP
    port: int
    protocol: str
    target: IP
    target_port: int
    comment: str


def translations(
    primary: Net,
    shared: Iterable[Net],
    externals: Iterable[Net],
    port_forwards: Iterable[PortForward] = (),
) -> Iterator[Translation]:
    """A shared network always hides its consumers, an external one where `nat` says so.

    Only the primary network's prefixes hide: public sources stay as they are. Machines also hide
    from the one that answers at their own firewall's port: it would answer them directly, and they
    would not know whom they hear.
    """
    hiding = [*shared, *(net for net in externals if net.nat)]
    for net in hiding:
        yield from _hidden(primary, net, FAMILIES, f"hidden in {one_line(net.id)}")
    families = sorted({forward.version for forward in port_forwards})
    for translation in _hidden(primary, primary, families, "hidden from the own endpoints"):
        yield replace(translation, of_port_forwards=True)


def _hidden(
    primary: Net, target: Net, versions: Iterable[int], comment: str
) -> Iterator[Translation]:
    for version in versions:
        sources, address = primary.prefixes_of(version), target.address(version)
        if sources and address is not None:
            yield Translation(target.vrf, version, sources, address, comment)


def port_forwards(
    primary: Net, shared: Iterable[Net], endpoints: Iterable[Endpoint]
) -> tuple[PortForward, ...]:
    """The endpoints at the firewall's own addresses in these networks, sorted."""
    own = {(net.vrf, address) for net in shared for address in net.addresses}
    published = [
        endpoint
        for endpoint in endpoints
        if (endpoint.vrf, endpoint.address) in own
        and endpoint.address.version == endpoint.target.version
    ]
    return tuple(_port_forward(endpoint, primary.vrf) for endpoint in sorted(published, key=_order))


def _order(endpoint: Endpoint) -> tuple[int, int, int, int, str]:
    address = endpoint.address
    return endpoint.vrf, address.version, int(address), endpoint.port, endpoint.protocol


def _port_forward(endpoint: Endpoint, behind: int) -> PortForward:
    return PortForward(
        source=endpoint.vrf,
        behind=behind,
        version=endpoint.address.version,
        address=endpoint.address,
        port=endpoint.port,
        protocol=endpoint.protocol,
        target=endpoint.target,
        target_port=endpoint.target_port,
        comment=one_line(f"to {endpoint.machine}"),
    )
