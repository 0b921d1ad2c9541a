"""Generated partitions with several firewalls per network, and the questions to ask of each."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import IPv4Address, ip_address, ip_network
from itertools import product
from random import Random

from firewalls.configuration.plan import Endpoint, Facts, Net, Rule, plan
from firewalls.configuration.render import render
from firewalls.reachability import Guard, Machine, Network, Partition
from networks.common.addressing import IP, Cidr
from tests.firewalls.reachability.building import with_siblings
from tests.firewalls.reachability.model import FactsBox
from tests.firewalls.reachability.texts import TextBox
from tests.firewalls.reachability.walk import Parcel, Place, World

FAMILIES = [(4,), (4,), (6,), (4, 6), (4, 6)]
PORTS = ["22", "80", "443", "2049", "8000-8100"]
TRIED = [("tcp", 22), ("tcp", 80), ("tcp", 443), ("tcp", 2049), ("tcp", 8050), ("tcp", 9100)]
TRIED += [("udp", 53), ("tcp", 179), ("icmp", 0)]
OUTSIDE = [ip_address("198.51.100.9"), ip_address("100.64.3.4"), ip_address("2001:db8:ffff::9")]
MANAGEMENT = tuple(map(ip_network, ("192.0.2.0/24", "198.51.100.0/28")))
EXTERNALS: list[tuple[list[str], list[str]]] = [
    (["203.0.113.0/24"], ["0.0.0.0/0"]),
    (["203.0.112.0/24", "2001:db8:113::/64"], ["0.0.0.0/0", "::/0"]),
    (["100.127.129.0/24"], ["100.64.0.0/16"]),
    (["2001:db8:114::/64"], ["::/0"]),
]
QUESTIONS = 90  # asked of each partition, out of some thousands


@dataclass(frozen=True)
class Generated:
    """A partition, as facts; the answers are computed from them in three ways."""

    networks: dict[str, Network]
    machines: tuple[Machine, ...]
    facts: tuple[Facts, ...]

    @cached_property
    def partition(self) -> Partition:
        guards = (
            Guard(id=f.hostname, name=f.hostname, network=f.primary.id, plan=plan(f), facts=f)
            for f in self.facts
        )
        return Partition(self.networks, tuple(guards), self.machines)

    @cached_property
    def model(self) -> World:
        """By the domain."""
        return World(self._places, [FactsBox(f, self._siblings(f)) for f in self.facts])

    @cached_property
    def texts(self) -> World:
        """By what is rendered."""
        vrfs = {id: network.vrf for id, network in self.networks.items()}
        routes = {
            id: (*network.prefixes, *network.destination_prefixes)
            for id, network in self.networks.items()
        }
        boxes = [TextBox(render(plan(f)), f.primary.id, _own(f), vrfs, routes) for f in self.facts]
        return World(self._places, boxes)

    @cached_property
    def _places(self) -> dict[str, Place]:
        return {
            id: Place(id, one.kind == "external", one.prefixes, one.destination_prefixes)
            for id, one in self.networks.items()
        }

    def _siblings(self, facts: Facts) -> list[Facts]:
        return [one for one in self.facts if one.primary.id == facts.primary.id]

    def questions(self, chance: Random) -> Iterator[tuple[str, Parcel]]:
        """From where, and what: a part of all that there is to be asked, most of it of machines."""
        sources = [(one.network, ip) for one in self.machines for ip in one.addresses]
        outside = [
            (id, ip)
            for id, one in self.networks.items()
            for ip in OUTSIDE
            if any(ip in cidr for cidr in one.destination_prefixes)
        ]
        targets = [ip for one in self.machines for ip in one.addresses]
        targets += [ip for facts in self.facts for ip in _own(facts)]
        targets += OUTSIDE + [
            cidr[77]
            for one in self.networks.values()
            for cidr in one.prefixes
            if one.kind == "external"
        ]
        published = [
            (one.address, (one.protocol, one.port)) for f in self.facts for one in f.endpoints
        ]
        wanted = [*product(targets, TRIED), *published, *published, *published]
        for _ in range(QUESTIONS):
            network, source = chance.choice(
                sources if chance.random() < 0.85 else outside or sources
            )
            target, (protocol, port) = chance.choice(wanted)
            if target.version == source.version and target != source:
                yield network, Parcel(source, target, protocol, port)


def _own(facts: Facts) -> dict[IP, str]:
    nets = (facts.primary, *facts.shared, *facts.externals)
    return {address: net.id for net in nets for address in net.addresses}


def generated(chance: Random) -> Generated:
    """The same chance gives the same one."""
    networks = dict(_networks(chance))
    machines = tuple(
        Machine(f"{id}-{number}", f"{id}-{number}", id, id, _at(network, 10 + number))
        for id, network in networks.items()
        if network.kind == "private"
        for number in range(2)
    )
    private = [one for one in networks.values() if one.kind == "private"]
    facts: list[Facts] = []
    for network in private:
        for _ in range(chance.choice([0, 1, 1, 2, 2, 3])):
            facts.append(_firewall(chance, network, networks, facts))
    known = [with_siblings(one, facts) for one in facts]
    counted = {
        id: replace(one, machines=2 if one.kind == "private" else 0) for id, one in networks.items()
    }
    return Generated(counted, machines, tuple(known))


def _networks(chance: Random) -> Iterator[tuple[str, Network]]:
    for number in range(chance.randint(3, 4)):
        texts = {4: f"10.128.{4 * number}.0/22", 6: f"2001:db8:128:{number}::/64"}
        prefixes = tuple(ip_network(texts[version]) for version in chance.choice(FAMILIES))
        shared = number > 0 and chance.random() < 0.7
        id = f"private-{number}"
        yield id, Network(id, "private", 4000 + number, prefixes, id, shared, partition="fra")
    for number, (own, reached) in enumerate(chance.sample(EXTERNALS, chance.randint(0, 2))):
        id = f"external-{number}"
        prefixes, further = tuple(map(ip_network, own)), tuple(map(ip_network, reached))
        nat = chance.random() < 0.7
        yield (
            id,
            Network(id, "external", 5000 + number, prefixes, destination_prefixes=further, nat=nat),
        )


def _at(network: Network, number: int) -> tuple[IP, ...]:
    return tuple(cidr[number] for cidr in network.prefixes)


def _firewall(
    chance: Random, home: Network, networks: dict[str, Network], before: list[Facts]
) -> Facts:
    """Often it has joined the same as its sibling before."""
    number = len(before)
    siblings = [one for one in before if one.primary.id == home.id]
    joined = [
        id
        for id, one in networks.items()
        if id != home.id and (one.shared or one.kind == "external") and chance.random() < 0.6
    ]
    if siblings and chance.random() < 0.5:
        joined = [net.id for net in (*siblings[-1].shared, *siblings[-1].externals)]
    nets = [_net(networks[id], number, place) for place, id in enumerate((home.id, *joined))]
    external = {id for id in joined if networks[id].kind == "external"}
    facts = Facts(
        hostname=f"fw-{number}",
        asn=4_210_000_000 + number,
        router_id=IPv4Address(f"10.4.1.{number + 1}"),
        underlay_prefixes=(ip_network("10.4.0.0/16"),),
        uplinks=("lan0",),
        primary=nets[0],
        shared=tuple(net for net in nets[1:] if net.id not in external),
        externals=tuple(net for net in nets[1:] if net.id in external),
        management_prefixes=MANAGEMENT,
    )
    if siblings and chance.random() < 0.5:
        facts = replace(facts, rules=siblings[-1].rules)
    else:
        facts = replace(facts, rules=tuple(_rules(chance, nets)))
    return replace(facts, endpoints=tuple(_endpoints(chance, facts)))


def _net(network: Network, number: int, place: int) -> Net:
    return Net(
        id=network.id,
        name=network.id,
        vrf=network.vrf,
        prefixes=network.prefixes,
        addresses=_at(network, 200 + number),
        destination_prefixes=network.destination_prefixes,
        nat=network.nat,
        place=place,
    )


def _rules(chance: Random, nets: list[Net]) -> Iterator[Rule]:
    named: list[Cidr] = [cidr for net in nets for cidr in net.prefixes]
    named += [cidr for net in nets for cidr in net.destination_prefixes]
    named += [ip_network(cidr[10]) for net in nets for cidr in net.prefixes]
    named += [ip_network("198.51.100.0/24")]
    for _ in range(chance.randint(0, 4)):
        protocol = chance.choice(["tcp", "tcp", "tcp", "udp", "icmp"])
        ports = tuple(chance.sample(PORTS, chance.randint(1, 3))) if protocol == "tcp" else ("53",)
        yield Rule(
            chance.choice(["egress", "egress", "ingress"]),
            protocol,
            () if protocol == "icmp" else ports,
            tuple(chance.sample(named, chance.choice([0, 0, 0, 1]))),
            tuple(chance.sample(named, chance.choice([0, 1, 1, 2]))),
            "a rule",
        )


def _endpoints(chance: Random, facts: Facts) -> Iterator[Endpoint]:
    for net in facts.shared:
        for address in net.addresses:
            behind = [cidr for cidr in facts.primary.prefixes if cidr.version == address.version]
            if behind and chance.random() < 0.5:
                target, port = behind[0][10 + chance.randint(0, 1)], chance.choice([80, 8080])
                yield Endpoint(net.vrf, address, port, "tcp", "m", target, chance.choice([80, 179]))
