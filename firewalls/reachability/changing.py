"""The partition as it would be after one change, planned by the very code that plans for real."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from ipaddress import ip_network

from firewalls.configuration.offers import offer
from firewalls.configuration.plan import Facts, plan
from firewalls.configuration.routes.leaks import DEFAULT_ROUTES
from firewalls.configuration.values import FAMILIES, Net, Rule
from firewalls.reachability.values import EXTERNAL, ICMP, Guard, Network, Packet, Partition
from networks.common.addressing import IP, Cidr, last_usable


def with_shared(partition: Partition, network: str) -> Partition:
    """As if the network was shared: nothing else comes of that by itself."""
    row = replace(partition.networks[network], shared=True)
    return replace(partition, networks={**partition.networks, network: row})


def with_joined(partition: Partition, guard: Guard, network: str) -> Partition:
    """As if the firewall had joined the network, with an address that is free there."""
    net = _net(partition, guard, partition.networks[network])
    external = partition.networks[network].kind == EXTERNAL

    def join(facts: Facts) -> Facts:
        if external:
            return replace(facts, externals=(*facts.externals, net))
        return replace(facts, shared=(*facts.shared, net))

    return _changed(partition, guard, join)


def rule_for(direction: str, packet: Packet) -> Rule:
    """The rule that lets exactly this through."""
    ports: tuple[str, ...] = (str(packet.port),) if packet.port else ("1-65535",)
    there: tuple[Cidr, ...] = (ip_network(packet.destination),)
    if packet.anywhere:
        there = (DEFAULT_ROUTES[packet.version],)
    if packet.protocol == ICMP:
        ports = ()
    return Rule(direction, packet.protocol, ports, (), there, "as it would be")


def with_rule(partition: Partition, guard: Guard, rule: Rule) -> Partition:
    """As if the firewall had this rule as well."""

    def allow(facts: Facts) -> Facts:
        return replace(facts, rules=(*facts.rules, rule))

    return _changed(partition, guard, allow)


def _changed(partition: Partition, guard: Guard, change: Callable[[Facts], Facts]) -> Partition:
    """With this firewall's facts changed, and what its siblings know of them."""
    together = partition.guards_of.get(guard.network, [])
    facts = {one.id: one.facts for one in together if one.facts}
    own = facts.get(guard.id)
    if own is None or len(facts) < len(together):
        return partition  # what is not known cannot be changed
    facts[guard.id] = change(own)
    new = {id: _with_siblings(facts, id) for id in facts}
    guards = (_planned(one, new[one.id]) if one.id in new else one for one in partition.guards)
    return replace(partition, guards=tuple(guards))


def _planned(guard: Guard, facts: Facts) -> Guard:
    if facts == guard.facts or guard.plan is None:
        return guard
    return replace(guard, facts=facts, plan=plan(facts))


def _with_siblings(facts: dict[str, Facts], id: str) -> Facts:
    offers = {
        offer(one.primary, one.shared, one.externals) for other, one in facts.items() if other != id
    }
    return replace(facts[id], siblings=tuple(sorted(offers)))


def _net(partition: Partition, guard: Guard, network: Network) -> Net:
    """The network as planning knows it, with addresses for the firewall."""
    addresses = (_free(partition, network, version) for version in FAMILIES)
    return Net(
        id=network.id,
        name=network.id,
        vrf=network.vrf,
        prefixes=network.prefixes,
        addresses=tuple(address for address in addresses if address),
        destination_prefixes=network.destination_prefixes,
        nat=network.nat,
        place=1 + max(_places(guard), default=0),
    )


def _places(guard: Guard) -> Iterable[int]:
    facts = guard.facts
    return (net.place for net in (*facts.shared, *facts.externals)) if facts else ()


def _free(partition: Partition, network: Network, version: int) -> IP | None:
    """An address of the network that nobody has, from its end."""
    for cidr in network.prefixes_of(version):
        address = last_usable(cidr)
        while address in partition.holders or address in partition.machine_at:
            address -= 1
        if address in cidr:
            return address
    return None
