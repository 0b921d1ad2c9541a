"""What takes a thing out of the way: who may do it, what else it opens, and what is left then."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from firewalls.reachability import changing
from firewalls.reachability.answers import Opens, Remedy
from firewalls.reachability.obstacles import Obstacle
from firewalls.reachability.values import EXTERNAL, Guard, Network, Partition
from firewalls.reachability.wording import service, there
from machines.rules import may_join

OPERATOR, ADMIN = "operator", "admin"
PUSHED = frozenset({"never_pushed", "runs_something_else"})


class Cure(NamedTuple):
    """A remedy, and the partition as it would be then, where that can be said."""

    remedy: Remedy
    then: Partition | None = None


def cures(partition: Partition, obstacle: Obstacle) -> Iterator[Cure]:
    """What would take it away; nothing where nothing of ours would."""
    code, guard, target = obstacle.code, obstacle.guard, obstacle.target
    if code == "not_shared":
        yield _share(partition, target)
    elif code == "not_joined" and guard:
        yield from _join(partition, guard, [partition.networks[target]])
    elif code == "no_way_outside" and guard:
        yield from _join(partition, guard, _leading_outside(partition, guard, obstacle))
    elif code in ("no_egress_rule", "narrowed", "no_ingress_rule") and guard:
        yield _rule(partition, guard, obstacle)
    elif code == "shared_never_opens" and guard:
        yield _endpoint(partition, guard, obstacle)
    elif code in PUSHED and guard:
        yield Cure(Remedy("push", f"Push to {guard.name}.", OPERATOR, firewall=guard.id))
    elif code == "no_firewall":
        yield _firewall(obstacle.network)


def cured(partition: Partition, obstacles: Iterable[Obstacle]) -> Partition:
    """As it would be with all of these out of the way, as far as that can be said."""
    for obstacle in obstacles:
        for cure in cures(partition, obstacle):
            if cure.then is not None:
                partition = cure.then
                break
    return partition


def _share(partition: Partition, network: str) -> Cure:
    message = f"Share {network}, for good: firewalls of its partition may join it then."
    then = changing.with_shared(partition, network)
    return Cure(Remedy("share", message, ADMIN, network=network), then)


def _join(partition: Partition, guard: Guard, networks: Iterable[Network]) -> Iterator[Cure]:
    """Of those outside, which it may join; one that is not shared has to be shared before."""
    home = partition.networks[guard.network]
    for network in networks:
        refused = may_join(network, home.id, home.project, home.partition)
        if network.kind == EXTERNAL and any(refused):
            continue
        opens = Opens(home.machines, home.machines * network.machines)
        there = "what is outside" if network.kind == EXTERNAL else _machines(network.machines)
        reach = "reaches" if home.machines == 1 else "reach"
        message = (
            f"Join {guard.name} to {network.id}: {_machines(home.machines)} of"
            f" {home.project or home.id} {reach} {there}."
        )
        remedy = Remedy("join", message, OPERATOR, opens, guard.id, network.id)
        already = network.id in guard.vrfs or not guard.facts
        joinable = network.shared or network.kind == EXTERNAL
        then = changing.with_joined(partition, _now(partition, guard), network.id)
        yield Cure(remedy, None if already or not joinable else then)


def _now(partition: Partition, guard: Guard) -> Guard:
    """The firewall as it is in this partition, which may have changed since."""
    return next((one for one in partition.guards if one.id == guard.id), guard)


def _leading_outside(partition: Partition, guard: Guard, obstacle: Obstacle) -> list[Network]:
    return [
        network
        for _, network in sorted(partition.networks.items())
        if network.kind == EXTERNAL
        and network.leads_outside(obstacle.packet.version)
        and network.id not in guard.vrfs
    ]


def _rule(partition: Partition, guard: Guard, obstacle: Obstacle) -> Cure:
    """A rule that lets it through: for every machine behind the firewall."""
    direction = "ingress" if obstacle.code == "no_ingress_rule" else "egress"
    packet, machines = obstacle.packet, partition.networks[guard.network].machines
    message = (
        f"Add an {direction} rule to {guard.name} for {service(packet)} to {there(packet)}:"
        f" it counts for {_machines(machines)}."
    )
    opens = Opens(machines, machines)
    rule = changing.rule_for(direction, packet)
    remedy = Remedy("rule", message, OPERATOR, opens, guard.id, obstacle.target, rule)
    guard = _now(partition, guard)
    then = changing.with_rule(partition, guard, rule) if guard.facts else None
    return Cure(remedy, then)


def _endpoint(partition: Partition, guard: Guard, obstacle: Obstacle) -> Cure:
    """An endpoint, or the one that leads there already."""
    packet, network = obstacle.packet, obstacle.network
    vrf = guard.vrfs[network].number
    for forward in guard.plan.port_forwards if guard.plan else ():
        leads_there = forward.target == packet.destination and forward.source == vrf
        if leads_there and packet.port in (None, forward.target_port):
            place = f"{forward.address}, {forward.protocol}/{forward.port}"
            message = f"Use the endpoint of {guard.name} that leads there: {place}."
            return Cure(Remedy("use-endpoint", message, OPERATOR, Opens(), guard.id, network))
    machines = sum(
        partition.networks[one].machines
        for one in {network, *(other.network for other in partition.joined.get(network, ()))}
    )
    message = (
        f"Publish an endpoint of {guard.name} in {network} for {packet.destination}:"
        f" {_machines(machines)} reach it there."
    )
    opens = Opens(machines, machines)
    return Cure(Remedy("endpoint", message, OPERATOR, opens, guard.id, network))


def _firewall(network: str) -> Cure:
    message = f"Allocate a firewall for {network}."
    return Cure(Remedy("firewall", message, OPERATOR, network=network))


def _machines(number: int) -> str:
    return "1 machine" if number == 1 else f"{number} machines"
