"""How addresses are translated: sources hide behind the firewall's, and its ports are forwarded."""

from collections.abc import Iterable
from dataclasses import dataclass

from firewalls.configuration.values import FAMILIES, Endpoint, Net, one_line
from networks.common.addressing import IP, Cidr


@dataclass(frozen=True, slots=True)
class Translation:
    """What these sources send into the target (its VRF) shows this address of the firewall."""

    target: int
    version: int
    sources: tuple[Cidr, ...]
    address: IP
    comment: str


@dataclass(frozen=True, slots=True)
class PortForward:
    """What comes from a shared network (its VRF) to this address and port goes to one machine's."""

    source: int
    version: int
    address: IP
    port: int
    protocol: str
    target: IP
    target_port: int
    comment: str


def translations(
    primary: Net, shared: Iterable[Net], externals: Iterable[Net]
) -> tuple[Translation, ...]:
    """A shared network always hides its consumers, an external one where `nat` says so.

    Only the primary network's prefixes hide: public sources stay as they are.
    """
    hiding = [*shared, *(net for net in externals if net.nat)]
    return tuple(
        Translation(net.vrf, version, sources, address, f"hidden in {one_line(net.id)}")
        for net in hiding
        for version in FAMILIES
        if (sources := primary.prefixes_of(version))
        and (address := net.address(version)) is not None
    )


def port_forwards(shared: Iterable[Net], endpoints: Iterable[Endpoint]) -> tuple[PortForward, ...]:
    """The endpoints at the firewall's own addresses in these networks, sorted."""
    own = {(net.vrf, address) for net in shared for address in net.addresses}
    published = [
        endpoint
        for endpoint in endpoints
        if (endpoint.vrf, endpoint.address) in own
        and endpoint.address.version == endpoint.target.version
    ]
    return tuple(map(_port_forward, sorted(published, key=_order)))


def _order(endpoint: Endpoint) -> tuple[int, int, int, int, str]:
    address = endpoint.address
    return endpoint.vrf, address.version, int(address), endpoint.port, endpoint.protocol


def _port_forward(endpoint: Endpoint) -> PortForward:
    return PortForward(
        source=endpoint.vrf,
        version=endpoint.address.version,
        address=endpoint.address,
        port=endpoint.port,
        protocol=endpoint.protocol,
        target=endpoint.target,
        target_port=endpoint.target_port,
        comment=one_line(f"to {endpoint.machine}"),
    )
