"""What an answer takes for granted, in words: it is only as good as that."""

from collections.abc import Iterable, Iterator

from firewalls.reachability.questions import AnAddress, AnEndpoint, Question
from firewalls.reachability.values import EXTERNAL, IN_SYNC, PRIVATE, Guard, Partition
from firewalls.reachability.walking import Course, Crossing

STATES = {
    "new": "was never pushed to, so none of this is so yet",
    "pending": "runs an older configuration until it is pushed",
    "pushing": "is being pushed to",
    "failed": "has failed its last push, so what it runs may differ",
    "refused": "could not be looked at, so what it runs may differ",
    "drifted": "differs from what was applied",
    "unreachable": "does not answer, so what it runs may differ",
}


def assumptions(
    partition: Partition, question: Question, courses: Iterable[Course]
) -> Iterator[str]:
    """Each once, in a fixed order."""
    passing = [course for course in courses if course.crossings]
    crossings = [one for course in passing for one in course.crossings]
    arrived = [course for course in passing if not course.obstacles]
    yield from dict.fromkeys(not_in_sync(one.guard) for one in crossings if is_stale(one.guard))
    yield from along(partition, crossings)
    yield from _nobody_known(partition, question)
    yield from _any_port(question, arrived)


def along(partition: Partition, crossings: Iterable[Crossing]) -> Iterator[str]:
    """What is taken for granted of the way itself, whatever was asked."""
    passed = list(crossings)
    yield from dict.fromkeys(_from_outside(partition, passed))
    yield from dict.fromkeys(_pods(partition, passed))


def is_stale(guard: Guard) -> bool:
    return guard.state != IN_SYNC


def not_in_sync(guard: Guard) -> str:
    return f"{guard.name} {STATES.get(guard.state, 'is not in sync')}."


def _from_outside(partition: Partition, crossings: Iterable[Crossing]) -> Iterator[str]:
    for crossing in crossings:
        if partition.networks[crossing.target].kind == EXTERNAL:
            yield (
                f"The route of {crossing.target} comes from outside; that it is there is not"
                " watched here."
            )


def _pods(partition: Partition, crossings: Iterable[Crossing]) -> Iterator[str]:
    for crossing in crossings:
        if crossing.source == crossing.guard.network:
            yield (
                f"Pods whose traffic does not bear an address of {crossing.source} do not pass"
                f" {crossing.guard.name}."
            )


def _nobody_known(partition: Partition, question: Question) -> Iterator[str]:
    """A place by its address alone, where no machine and no firewall is known to have it."""
    for place in (question.source, question.destination):
        if not isinstance(place, AnAddress) or isinstance(place, AnEndpoint):
            continue
        network = partition.network_of(place.address)
        known = place.address in partition.machine_at or place.address in partition.holders
        if network is not None and network.kind == PRIVATE and not known:
            yield f"No machine of {network.id} is known to have {place.address}."


def _any_port(question: Question, arrived: Iterable[Course]) -> Iterator[str]:
    """Which ports pass, where none was asked for."""
    if question.port is not None or isinstance(question.destination, AnEndpoint):
        return
    spans = {
        span
        for course in arrived
        for crossing in course.crossings
        for span in crossing.passage.flow.ports
    }
    if spans:
        ports = sorted((span.first, span.last) for span in spans)
        texts = [f"{first}" if first == last else f"{first}-{last}" for first, last in ports]
        yield f"No port was asked for: {question.protocol} passes on {', '.join(texts)}."
