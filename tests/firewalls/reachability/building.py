"""Partitions as values, from a few words each: what the written cases ask about."""

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

from firewalls.configuration.offers import offer
from firewalls.configuration.plan import Endpoint, Facts, Net, Rule, plan
from firewalls.reachability import Guard, Machine, Network, Partition
from networks.common.addressing import IP, Cidr


def cidrs(*texts: str) -> tuple[Cidr, ...]:
    return tuple(map(ip_network, texts))


def egress(
    *ports: str, to: tuple[str, ...] = (), of: tuple[str, ...] = (), protocol: str = "tcp"
) -> Rule:
    return Rule("egress", protocol, ports, cidrs(*of), cidrs(*to), "a rule")


def ingress(*ports: str, of: tuple[str, ...] = (), to: tuple[str, ...] = ()) -> Rule:
    return Rule("ingress", "tcp", ports, cidrs(*of), cidrs(*to), "let in")


@dataclass
class Scene:
    """Networks, machines and firewalls by name; addresses follow from the order of things."""

    networks: dict[str, Network] = field(default_factory=dict)
    machines: dict[str, Machine] = field(default_factory=dict)
    facts: dict[str, Facts] = field(default_factory=dict)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)

    def network(self, id: str, *prefixes: str, **fields: Any) -> "Scene":
        made = {"kind": "private", "project": id, "partition": "fra", **fields}
        vrf = 4000 + len(self.networks)
        self.networks[id] = Network(id=id, vrf=vrf, prefixes=cidrs(*prefixes), **made)
        return self

    def external(self, id: str, *prefixes: str, to: tuple[str, ...], nat: bool = True) -> "Scene":
        return self.network(
            id,
            *prefixes,
            kind="external",
            project="",
            destination_prefixes=cidrs(*to),
            nat=nat,
            partition="",
        )

    def machine(self, name: str, network: str) -> "Scene":
        """Its addresses are the same number in each prefix of its network: 10 for the first."""
        home = self.networks[network]
        number = 10 + home.machines
        addresses = tuple(cidr[number] for cidr in home.prefixes)
        self.machines[name] = Machine(name, name, network, home.project, addresses)
        self.networks[network] = replace(home, machines=home.machines + 1)
        return self

    def firewall(
        self, name: str, primary: str, *joined: str, rules: tuple[Rule, ...] = (), **fields: Any
    ) -> "Scene":
        """Its addresses are the same number in each of its networks: 200 for the first firewall."""
        nets = [self._net(one, place) for place, one in enumerate((primary, *joined))]
        kinds = {one: self.networks[one].kind for one in joined}
        number = len(self.facts)
        self.facts[name] = Facts(
            hostname=name,
            asn=4_210_000_000 + number,
            router_id=IPv4Address(f"10.4.0.{number + 1}"),
            underlay_prefixes=cidrs("10.4.0.0/16"),
            uplinks=("lan0",),
            primary=nets[0],
            shared=tuple(net for net in nets[1:] if kinds[net.id] == "private"),
            externals=tuple(net for net in nets[1:] if kinds[net.id] == "external"),
            management_prefixes=cidrs("192.0.2.0/24", "10.128.0.0/14"),
            rules=rules,
        )
        self.states[name] = fields
        return self

    def endpoint(
        self, firewall: str, network: str, machine: str, *, ports: tuple[int, int], version: int = 4
    ) -> "Scene":
        """The ports are the one that is published, and the machine's."""
        facts = self.facts[firewall]
        (net,) = (one for one in facts.shared if one.id == network)
        (address,) = (one for one in net.addresses if one.version == version)
        (behind,) = (one for one in self.machines[machine].addresses if one.version == version)
        one = Endpoint(net.vrf, address, ports[0], "tcp", machine, behind, ports[1])
        self.facts[firewall] = replace(facts, endpoints=(*facts.endpoints, one))
        return self

    def _net(self, id: str, place: int) -> Net:
        network, number = self.networks[id], 200 + len(self.facts)
        return Net(
            id=id,
            name=id,
            vrf=network.vrf,
            prefixes=network.prefixes,
            addresses=tuple(cidr[number] for cidr in network.prefixes),
            destination_prefixes=network.destination_prefixes,
            nat=network.nat,
            place=place,
        )

    def partition(self) -> Partition:
        guards = []
        for name, facts in self.facts.items():
            known = with_siblings(facts, list(self.facts.values()))
            fields = {"plan": plan(known), "facts": known, **self.states[name]}
            guards.append(Guard(id=name, name=name, network=facts.primary.id, **fields))
        return Partition(dict(self.networks), tuple(guards), tuple(self.machines.values()))

    def address(self, name: str, version: int = 4) -> IP:
        """Of a machine, or of a firewall in a network: `shop-fw in storage`."""
        firewall, _, network = name.partition(" in ")
        if network:
            facts = self.facts[firewall]
            nets = (facts.primary, *facts.shared, *facts.externals)
            addresses = next(net.addresses for net in nets if net.id == network)
        elif name in self.machines:
            addresses = self.machines[name].addresses
        else:
            return ip_address(name)
        return next(one for one in addresses if one.version == version)


def with_siblings(facts: Facts, every: list[Facts]) -> Facts:
    """The facts with what the other firewalls of the network pass on."""
    offers = {
        offer(one.primary, one.shared, one.externals)
        for one in every
        if one.hostname != facts.hostname and one.primary.id == facts.primary.id
    }
    return replace(facts, siblings=tuple(sorted(offers)))
