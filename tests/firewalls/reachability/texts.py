"""What the rendered text of one firewall does, as FRR and nftables would read it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tests.firewalls.reachability.walk import IP, Cidr, Parcel
from tests.reader import frr, nft

FRR, NFT = "/etc/frr/frr.conf", "/etc/nftables.conf"
SHOWN_AS = {("icmp", 4): "icmp", ("icmp", 6): "icmpv6"}


@dataclass(eq=False)
class TextBox:
    """A firewall as its files.

    `own` are its addresses, as the units set them up. `vrfs` are the numbers of all networks, and
    `routes` what may be announced in each.
    """

    files: Mapping[str, str]
    home: str
    own: Mapping[IP, str]
    vrfs: Mapping[str, int]
    routes: Mapping[str, Iterable[Cidr]]

    def __post_init__(self) -> None:
        self.routing = frr.read(self.files[FRR])
        self.rules = nft.read(self.files[NFT])
        self.joined = [id for id, vrf in self.vrfs.items() if f"vrf{vrf}" in self.routing.vnis]

    def draws(self, address: IP) -> int:
        """What its VRF announces: what it originates, and imports without no-export."""
        vrf = f"vrf{self.vrfs[self.home]}"
        routes = [route for (one, route) in self.routing.originated if one == vrf]
        for source in self.joined:
            for route in self.routes[source]:
                communities = self._imported(self.home, source, route)
                if communities is not None and "no-export" not in communities:
                    routes.append(route)
        return max((route.prefixlen for route in routes if address in route), default=-1)

    def _imported(self, target: str, source: str, route: Cidr) -> frozenset[str] | None:
        if target == source:
            return None
        names = f"vrf{self.vrfs[target]}", f"vrf{self.vrfs[source]}"
        return self.routing.imported(*names, route)

    def forwards(self, network: str, parcel: Parcel) -> Parcel | None:
        packet = self._packet(parcel)
        arrived = self.rules.delivered(packet, str(self.vrfs[network]))
        if arrived == packet:
            return None
        addressed = arrived.addressed
        return replace(parcel, destination=arrived.dst, port=arrived.port, addressed=addressed)

    def leads(self, network: str, address: IP) -> str | None:
        """By the longest of its own routes and of those that its VRF imports."""
        best, target = -1, None
        for source in (network, *self.joined):
            for route in self.routes[source]:
                imported = self._imported(network, source, route) is not None
                there = source == network or imported
                if address in route and there and route.prefixlen > best:
                    best, target = route.prefixlen, source
        return target

    def passes(self, network: str, target: str, parcel: Parcel) -> bool:
        packet = self._packet(parcel, network, target)
        return self.rules.verdict("forward", packet) == "accept"

    def shows(self, network: str, target: str, parcel: Parcel) -> IP:
        return self.rules.source(self._packet(parcel, network, target))

    def answers(self, network: str, parcel: Parcel) -> bool:
        packet = self._packet(parcel, network, network)
        return self.rules.verdict("input", packet) == "accept"

    def _packet(self, parcel: Parcel, network: str = "", target: str = "") -> nft.Packet:
        protocol = SHOWN_AS.get((parcel.protocol, parcel.source.version), parcel.protocol)
        return nft.Packet(
            src=parcel.source,
            dst=parcel.destination,
            protocol=protocol,
            port=parcel.port,
            iif=f"vrf{self.vrfs[network]}" if network else "",
            oif=f"bridge{self.vrfs[target]}" if target else "",
            addressed=parcel.addressed,
        )
