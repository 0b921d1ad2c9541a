"""Everything at once: who can reach a network, and what a network's machines can reach."""

from collections.abc import Iterator
from dataclasses import dataclass

from firewalls.reachability.answering import trace
from firewalls.reachability.answers import Verdict, together
from firewalls.reachability.questions import AnyOf, Question, TheMachine
from firewalls.reachability.values import PRIVATE, TCP, Machine, Network, Partition
from firewalls.reachability.walking import Course
from networks.common.addressing import IP


@dataclass(frozen=True, slots=True)
class Service:
    """As what: a protocol, and a port or any."""

    protocol: str = TCP
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """A firewall by which one network's machines reach another, and the addresses they show."""

    firewall: str
    name: str
    addresses: tuple[IP, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """How one network's machines get on with another network's."""

    source: Network
    target: Network
    verdict: Verdict
    ways: tuple[Way, ...]


def reaches(partition: Partition, target: str, service: Service = Service()) -> Iterator[Reach]:
    """Which networks' machines reach this one's, by network; those that do not are left out."""
    for source in sorted(partition.networks.values(), key=lambda one: one.id):
        if source.kind == PRIVATE and _may_lead(partition, source.id, target):
            found = between(partition, AnyOf(source.id), source.id, target, service)
            if found.verdict is not Verdict.UNREACHABLE:
                yield found


def reached(
    partition: Partition, machine: Machine, service: Service = Service()
) -> Iterator[Reach]:
    """What a machine can reach, by network, and as which address."""
    for target in sorted(partition.networks.values(), key=lambda one: one.id):
        if _may_lead(partition, machine.network, target.id):
            source = TheMachine(machine)
            found = between(partition, source, machine.network, target.id, service)
            if found.verdict is not Verdict.UNREACHABLE:
                yield found


def between(
    partition: Partition, ends: AnyOf | TheMachine, source: str, target: str, service: Service
) -> Reach:
    """The verdict in all families that both have, and the firewalls on the way."""
    asked = Question(ends, AnyOf(target), service.port, service.protocol)
    traces = [one for version in (4, 6) for one in trace(partition, asked, version)]
    courses = [course for one in traces for course in one.courses if not course.obstacles]
    return Reach(
        partition.networks[source],
        partition.networks[target],
        together(one.verdict for one in traces),
        tuple(_ways(courses)),
    )


def _may_lead(partition: Partition, source: str, target: str) -> bool:
    """Whether it is the network itself, or one of its firewalls is in the other: else none can."""
    return source == target or any(
        target in guard.vrfs or not guard.known for guard in partition.guards_of.get(source, ())
    )


def _ways(courses: list[Course]) -> Iterator[Way]:
    """Each firewall once, with every address that it shows."""
    addresses: dict[tuple[str, str], dict[IP, None]] = {}
    for course in courses:
        for crossing in course.crossings[:1]:
            guard = crossing.guard
            shown = addresses.setdefault((guard.id, guard.name), {})
            if crossing.after.source != crossing.before.source:
                shown[crossing.after.source] = None
    for (id, name), shown in addresses.items():
        yield Way(id, name, tuple(shown))
