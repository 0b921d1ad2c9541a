"""The leak audit: what crosses from one private network into another, in a whole partition.

What one rule of one firewall treats alike is one class of machines, and one packet stands for it.
So it takes as long as there are rules, and not as there are machines, or pairs of them.
"""

from collections.abc import Iterator

from firewalls.reachability import hops
from firewalls.reachability.answering import Trace, followed, verdict_of
from firewalls.reachability.answers import Verdict
from firewalls.reachability.audits import Audit, Connection, Kind, Via
from firewalls.reachability.classes import classes, publishing
from firewalls.reachability.exposing import exposures
from firewalls.reachability.questions import Probe
from firewalls.reachability.values import PRIVATE, Network, Partition
from firewalls.reachability.walking import Course, Crossing


def audit(partition: Partition) -> Audit:
    """Who reaches whom, by what, and what is announced where it does not belong."""
    published = publishing(partition)
    found: dict[Connection, None] = {}
    for guard in partition.guards:
        for probe in classes(partition, guard, published):
            found.update(dict.fromkeys(_connections(partition, probe)))
    return Audit(
        connections=tuple(sorted(found, key=_order)),
        exposures=tuple(exposures(partition)),
        unknown=tuple(guard for guard in partition.guards if not guard.known),
    )


def _order(one: Connection) -> tuple[object, ...]:
    ends = one.source.project, one.target.project, one.source.id, one.target.id
    return (*ends, one.network, one.version, [(via.name, via.rule) for via in one.via])


def _connections(partition: Partition, probe: Probe) -> Iterator[Connection]:
    """What comes of a packet that arrives in another private network, by each of its courses."""
    trace = Trace(probe, tuple(followed(partition, probe)))
    for course in trace.courses:
        target = partition.networks[course.network]
        if target.kind == PRIVATE and target.id != probe.network and _arrives(target, course):
            yield _connection(partition, trace, course)


def _arrives(target: Network, course: Course) -> bool:
    """At a machine, as far as is known: that of replies may depend on which sibling they take."""
    may_be = verdict_of(course) is not Verdict.UNREACHABLE
    return may_be and course.itself is None and target.has(course.packet.destination)


def _connection(partition: Partition, trace: Trace, course: Course) -> Connection:
    return Connection(
        source=partition.networks[trace.probe.network],
        target=partition.networks[course.network],
        network=_meeting(course),
        kind=kind_of(partition, course),
        version=course.packet.version,
        verdict=trace.verdict,
        via=tuple(_via(crossing) for crossing in course.crossings),
    )


def _meeting(course: Course) -> str:
    """An endpoint is in the network that it is reached from; anything else is led into one."""
    first = course.crossings[0]
    return first.source if first.forward else first.target


def _via(crossing: Crossing) -> Via:
    before, after = crossing.before.source, crossing.after.source
    rule = hops.words(crossing.passage.flow)
    guard = crossing.guard
    return Via(guard.id, guard.name, rule, after if after != before else None)


def kind_of(partition: Partition, course: Course) -> Kind:
    """Whether it is what sharing is for: a consumer in a shared network, or an endpoint there."""
    *before, last = course.crossings
    for crossing in before if last.forward else course.crossings:
        kind = _consuming(partition, crossing)
        if kind is not Kind.CONSUMER:
            return kind
    if last.forward:
        return Kind.ENDPOINT
    return Kind.CONSUMER if not before else Kind.PASSED_ON


def _consuming(partition: Partition, crossing: Crossing) -> Kind:
    """From behind the firewall, into what it may use, and hidden behind its address there."""
    guard, target = crossing.guard, partition.networks[crossing.target]
    if crossing.source != guard.network:
        return Kind.OPENED_BACKWARDS
    if not target.shared:
        return Kind.NOT_SHARED
    hidden = partition.holders.get(crossing.after.source) == (guard, crossing.target)
    return Kind.CONSUMER if hidden else Kind.NOT_HIDDEN
