"""Answers a question: follows every packet that it depends on, and puts together what is met."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from firewalls.configuration.values import FAMILIES
from firewalls.reachability import hops, wording
from firewalls.reachability.answers import Answer, Blocker, FamilyAnswer, Remedy, Verdict, together
from firewalls.reachability.assuming import assumptions
from firewalls.reachability.obstacles import UNCERTAIN, UNKNOWN, Obstacle
from firewalls.reachability.questions import (
    Internet,
    Probe,
    Question,
    probes,
    sources_of,
    versions_of,
)
from firewalls.reachability.remedies import cured, cures
from firewalls.reachability.returning import with_way_back
from firewalls.reachability.values import Partition
from firewalls.reachability.walking import Course, courses

MOST_ROUNDS = 4  # share, join, a rule: after that nothing new can come up


class Trace(NamedTuple):
    """A packet, and every course that it may take."""

    probe: Probe
    courses: tuple[Course, ...]

    @property
    def verdict(self) -> Verdict:
        return together(verdict_of(course) for course in self.courses)


def verdict_of(course: Course) -> Verdict:
    """What the obstacles of one course come to."""
    codes = {obstacle.code for obstacle in course.obstacles}
    if codes - UNKNOWN - UNCERTAIN:
        return Verdict.UNREACHABLE
    if codes & UNKNOWN:
        return Verdict.UNKNOWN
    return Verdict.AMBIGUOUS if codes else Verdict.REACHABLE


def answer(partition: Partition, question: Question) -> Answer:
    """Whether the source can open connections there, how, and if not, why not and what to do."""
    traces = {version: trace(partition, question, version) for version in FAMILIES}
    traces = {version: found for version, found in traces.items() if found}
    families = tuple(_family(partition, version, found) for version, found in traces.items())
    obstacles, remedies = _in_the_way(partition, question, traces)
    return Answer(
        verdict=together(one.verdict for one in families),
        families=families,
        blockers=(*_apart(partition, question), *map(wording.blocker, obstacles)),
        remedies=tuple(remedies),
        assumptions=tuple(assumptions(partition, question, list(_all_courses(traces)))),
    )


def verdict(partition: Partition, question: Question) -> Verdict:
    """The verdict alone, without what is in the way."""
    return together(
        one.verdict for version in FAMILIES for one in trace(partition, question, version)
    )


def trace(partition: Partition, question: Question, version: int) -> list[Trace]:
    """Every packet of a family with its courses."""
    return [
        Trace(probe, tuple(followed(partition, probe)))
        for probe in probes(partition, question, version)
    ]


def followed(partition: Partition, probe: Probe) -> Iterator[Course]:
    for course in courses(partition, probe.packet, probe.network):
        yield with_way_back(partition, course)


def _family(partition: Partition, version: int, traces: list[Trace]) -> FamilyAnswer:
    """The paths are those of a course that ends as the family as a whole, if one does."""
    verdict = together(one.verdict for one in traces)
    found = [(one.probe, course) for one in traces for course in one.courses]
    probe, course = min(found, key=lambda pair: verdict_of(pair[1]) is not verdict)
    start = probe.packet, probe.network
    return FamilyAnswer(
        version,
        verdict,
        hops.path(partition, course, *start),
        hops.return_path(partition, course, *start),
    )


def _all_courses(traces: dict[int, list[Trace]]) -> Iterator[Course]:
    for found in traces.values():
        for one in found:
            yield from one.courses


def _in_the_way(
    partition: Partition, question: Question, traces: dict[int, list[Trace]]
) -> tuple[list[Obstacle], list[Remedy]]:
    """Everything in the way, also what would come up once the rest is out of it."""
    obstacles: dict[object, Obstacle] = {}
    remedies: dict[object, Remedy] = {}
    for _ in range(MOST_ROUNDS):
        new = [one for one in _distinct(_all_courses(traces)) if one.key not in obstacles]
        if not new:
            break
        for one in new:
            obstacles[one.key] = one
            for cure in cures(partition, one):
                remedies.setdefault(_key(cure.remedy), cure.remedy)
        partition = cured(partition, new)
        traces = {version: trace(partition, question, version) for version in traces}
    return list(obstacles.values()), list(remedies.values())


def _distinct(found: Iterable[Course]) -> list[Obstacle]:
    """Each obstacle of the courses once, in the order of the first that meets it."""
    return list({one.key: one for course in found for one in course.obstacles}.values())


def _key(remedy: Remedy) -> tuple[str, str, str, str]:
    detail = remedy.message if remedy.action == "rule" else ""
    return remedy.action, remedy.firewall, remedy.network, detail


def _apart(partition: Partition, question: Question) -> Iterator[Blocker]:
    """Where the two ends have no address family in common, or the source is nowhere."""
    here = versions_of(partition, question.source)
    there = versions_of(partition, question.destination)
    if not sources_of(partition, question.source):
        message = "No external network leads to where the source is, so nothing comes from there."
        yield Blocker("comes_from_nowhere", wording.ROUTING, message, "source", min(here))
        return
    if isinstance(question.destination, Internet) or here & there:
        return
    message = (
        f"The source has {_named(here)}, the destination {_named(there)}: no family in common."
    )
    version = min(here | there, default=FAMILIES[0])
    yield Blocker("no_common_family", "R10", message, "both ends", version)


def _named(versions: Iterable[int]) -> str:
    return " and ".join(f"IPv{version}" for version in sorted(versions)) or "no address"
