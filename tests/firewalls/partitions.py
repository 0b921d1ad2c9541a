"""Generated partitions: networks of every kind and family, and firewalls that join some of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, ip_network
from random import Random

from firewalls.configuration.plan import Endpoint, Facts, Net, Rule
from networks.common.addressing import IP, Cidr

POOL = [ip_network((0x0A800000 + 1024 * number, 22)) for number in range(200)]
POOL6 = [ip_network(f"2001:db8:128:{number:x}::/64") for number in range(200)]
MANAGEMENT = ["192.0.2.0/28", "2001:db8:9::/64", "192.0.2.64/26"]
PORTS = ["22", "80", "443", "2049", "3260", "8000-8100", "8050-8200", "81-90"]
OUTSIDE = [  # public prefix, and what is reached through it
    (["203.0.113.0/24"], ["0.0.0.0/0"]),
    (["198.51.100.0/25", "2001:db8:113::/64"], ["0.0.0.0/0", "::/0"]),
    (["100.127.129.0/24"], ["100.127.1.0/24", "100.126.0.0/16"]),
    (["2001:db8:114::/64"], ["::/0"]),
    (["198.51.100.128/25"], []),
    (["100.127.130.0/24"], ["0.0.0.0/0", "::/0"]),
]


@dataclass(frozen=True)
class Partition:
    """Firewalls as facts, and for each the networks of the partition that it has not joined."""

    firewalls: tuple[Facts, ...]
    networks: tuple[Net, ...]
    shared: frozenset[int]  # VRFs of the networks that others may join

    def strangers(self, firewall: Facts) -> list[Net]:
        joined = {net.vrf for net in (firewall.primary, *firewall.shared, *firewall.externals)}
        return [net for net in self.networks if net.vrf not in joined]


def partition(chance: Random) -> Partition:
    """A small partition; the same chance gives the same one."""
    vrfs = chance.sample(
        [*range(2, 60), *range(3980, 4100), *range(100_000, 100_040), 16_777_215], 12
    )
    space = {4: chance.sample(POOL, 20), 6: chance.sample(POOL6, 20)}
    private = []
    shared = set()
    for number in range(chance.randint(2, 5)):
        net = _private(chance, number, vrfs.pop(), space)
        private.append(net)
        if number > 0 and chance.random() < 0.7:
            shared.add(net.vrf)
    external = [
        Net(
            f"external-{number}",
            "",
            vrfs.pop(),
            _nets(prefixes),
            (),
            _nets(reached),
            chance.random() < 0.6,
            place=10 + number,
        )
        for number, (prefixes, reached) in enumerate(chance.sample(OUTSIDE, chance.randint(0, 3)))
    ]
    joinable = [net for net in private if net.vrf in shared]
    firewalls = tuple(
        _firewall(chance, number, private, joinable, external)
        for number in range(chance.randint(1, 2))
    )
    return Partition(firewalls, (*private, *external), frozenset(shared))


def _private(chance: Random, number: int, vrf: int, space: Mapping[int, list[Cidr]]) -> Net:
    families = chance.choice([(4,), (4,), (6,), (4, 6), (4, 6)])
    prefixes = [
        space[version].pop() for version in families for _ in range(chance.choice([1, 1, 2]))
    ]
    return Net(f"private-{number}", f"number {number}", vrf, tuple(prefixes), place=1 + number)


def _firewall(
    chance: Random, number: int, private: list[Net], joinable: list[Net], external: list[Net]
) -> Facts:
    primary = replace(_in(chance, chance.choice(private)), place=0)
    shared = tuple(
        _in(chance, net) for net in joinable if net.vrf != primary.vrf and chance.random() < 0.7
    )
    externals = tuple(_in(chance, net) for net in external if chance.random() < 0.7)
    facts = Facts(
        f"fw-{number}",
        4_210_000_000 + number,
        IPv4Address(f"10.4.1.{number + 1}"),
        (ip_network("10.4.0.0/16"),),
        tuple(chance.sample(["lan0", "lan1", "lan2"], chance.randint(1, 3))),
        primary,
        shared,
        externals,
        management_prefixes=_nets(chance.sample(MANAGEMENT, chance.randint(0, 2))),
    )
    rules = tuple(_rule(chance, facts) for _ in range(chance.randint(0, 4)))
    return replace(facts, rules=rules, endpoints=_endpoints(chance, facts))


def _nets(texts: Iterable[str]) -> tuple[Cidr, ...]:
    return tuple(map(ip_network, texts))


def _in(chance: Random, net: Net) -> Net:
    """The network with the firewall's own addresses in it: one or two per family."""
    count = chance.choice([1, 1, 2])
    families = {prefix.version: prefix for prefix in net.prefixes}
    addresses = [
        prefix[chance.randint(2, 60)] for prefix in families.values() for _ in range(count)
    ]
    return replace(net, addresses=tuple(addresses))


def _rule(chance: Random, facts: Facts) -> Rule:
    direction = chance.choice(["egress", "egress", "ingress"])
    named = _nameable(facts)
    ports = tuple(chance.sample(PORTS, chance.randint(1, 3)))
    sources = tuple(chance.sample(named, chance.choice([0, 0, 0, 1])))
    protocol = chance.choice(["tcp", "tcp", "udp"])
    destinations = tuple(chance.sample(named, chance.randint(0, 2)))
    return Rule(direction, protocol, ports, sources, destinations, "a rule")


def _nameable(facts: Facts) -> list[Cidr]:
    """What a rule may name: prefixes and what is reached through them, and parts of each."""
    joined = (facts.primary, *facts.shared, *facts.externals)
    whole: list[Cidr] = [cidr for net in joined for cidr in net.prefixes]
    whole += _nets(["0.0.0.0/0", "::/0"])
    whole += [cidr for net in facts.externals for cidr in net.destination_prefixes]
    parts = [
        ip_network((int(cidr[0]), cidr.prefixlen + 2))
        for cidr in whole
        if 0 < cidr.prefixlen < cidr.max_prefixlen - 2
    ]
    return whole + parts


def _endpoints(chance: Random, facts: Facts) -> tuple[Endpoint, ...]:
    """None, one or two at each of the firewall's addresses; the later one where they are equal."""
    published: dict[tuple[IP, int, str], Endpoint] = {}
    for net in facts.shared:
        for address in net.addresses:
            behind = [cidr for cidr in facts.primary.prefixes if cidr.version == address.version]
            for number in range(chance.choice([0, 1, 2])) if behind else ():
                port = chance.choice([80, 443, 3128, 8080])
                protocol = chance.choice(["tcp", "udp"])
                published[address, port, protocol] = Endpoint(
                    vrf=net.vrf,
                    address=address,
                    port=port,
                    protocol=protocol,
                    machine=f"m-{number}",
                    target=chance.choice(behind)[100 + number],
                    target_port=chance.choice([80, 8080, 53]),
                )
    return tuple(published.values())
