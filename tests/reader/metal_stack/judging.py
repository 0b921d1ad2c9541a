"""What our audit does not ask of a firewall, and the domain forbids: see "What a firewall's
configuration must do". It asks any reader's values, so ours and others' are judged alike.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from firewalls.configuration.filters import Flow
from firewalls.configuration.routes import Vrf
from firewalls.reachability.values import PRIVATE, Network
from networks.common.addressing import IP
from tests.reader.domain import BGP, METRICS, SSH, VXLAN
from tests.reader.nft import Filter, Packet

SERVICES = {
    "SSH": SSH,
    "BGP": BGP,
    "VXLAN": VXLAN,
    "node metrics": METRICS,
    "further metrics": ("tcp", 9630),
    "DNS": ("udp", 53),
    "DNS over TCP": ("tcp", 53),
}
OUTSIDE = ip_address("198.18.0.9"), ip_address("2001:2::9")  # no management is there (RFC 5180)
FOR_THE_PRIMARY = {"node metrics", "further metrics"}


@dataclass(frozen=True)
class Box:
    """One firewall, its networks by id; `svi` is how its devices in them are named."""

    networks: Mapping[str, Network]
    primary: str
    vrfs: tuple[Vrf, ...]
    rules: Filter
    svi: str

    @property
    def joined(self) -> list[tuple[Network, Vrf]]:
        return [(self.networks[vrf.network], vrf) for vrf in self.vrfs]

    @property
    def addresses(self) -> list[IP]:
        """Its own."""
        return [address for vrf in self.vrfs for address in vrf.addresses]


def openings(box: Box) -> Iterator[str]:
    """What the firewall itself answers whom it must not: SSH, say, to machines of any network."""
    for network, vrf in box.joined:
        for service, (protocol, port) in SERVICES.items():
            if service in FOR_THE_PRIMARY and network.id == box.primary:
                continue
            packets = _attempts(box, network, vrf, protocol, port)
            if any(box.rules.verdict("input", packet) == "accept" for packet in packets):
                yield f"{network.id}: the firewall answers {service} ({protocol} {port})"


def _attempts(box: Box, network: Network, vrf: Vrf, protocol: str, port: int) -> Iterator[Packet]:
    """A machine of a private network tries it, or somebody outside."""
    sources = [prefix[-2] for prefix in network.prefixes if prefix.num_addresses > 2]
    for source in sources if network.kind == PRIVATE else OUTSIDE:
        for address in (one for one in box.addresses if one.version == source.version):
            for device in (f"vrf{vrf.number}", f"{box.svi}{vrf.number}"):
                yield Packet(source, address, protocol, port, iif=device)


def strange_imports(box: Box) -> Iterator[str]:
    """VRFs that learn of one another, and neither is the primary's."""
    for network, vrf in box.joined:
        if network.id == box.primary:
            continue
        for leak in vrf.leaks:
            source = _network(box, leak.source)
            for entry in leak.entries if source.id != box.primary else ():
                yield f"{network.id} learns {entry.prefix} from {source.id}"


def strange_flows(box: Box, flows: Iterable[Flow]) -> Iterator[str]:
    """From a shared network outside, or back: neither is what a consumer's firewall is for.

    What goes from one private network into another is the audit's to find.
    """
    leading = {(vrf.number, leak.source) for vrf in box.vrfs for leak in vrf.leaks}
    for flow in flows:
        source, target = _network(box, flow.source), _network(box, flow.target)
        private = [one.kind for one in (source, target)].count(PRIVATE)
        own = box.primary in (source.id, target.id)
        if (flow.source, flow.target) in leading and private < 2 and not own:
            yield f"{source.id} opens connections to {target.id}: {flow.comment}"


def _network(box: Box, number: int) -> Network:
    return next(network for network, vrf in box.joined if vrf.number == number)
