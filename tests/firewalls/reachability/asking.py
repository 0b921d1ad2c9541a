"""Reads a question of the written cases."""

from firewalls.reachability import (
    AnAddress,
    AnEndpoint,
    Answer,
    AnyOf,
    Internet,
    Partition,
    Question,
    TheMachine,
    answer,
)
from firewalls.reachability.questions import Destination, Source
from tests.firewalls.reachability.building import Scene
from tests.firewalls.reachability.cases import Case
from tests.firewalls.reachability.scenes import SCENES


def question(scene: Scene, text: str) -> Question:
    """`web -> disk tcp/2049`, see cases."""
    source, _, rest = text.partition(" -> ")
    target, _, service = rest.rpartition(" ")
    protocol, _, number = service.partition("/")
    port = int(number) if number else None
    return Question(_source(scene, source), _destination(scene, target, service), port, protocol)


def _source(scene: Scene, text: str) -> Source:
    if text.startswith("net:"):
        return AnyOf(text.removeprefix("net:"))
    if text in scene.machines:
        return TheMachine(scene.machines[text])
    return AnAddress(scene.address(text))


def _destination(scene: Scene, text: str, service: str) -> Destination:
    if text == "internet":
        return Internet()
    kind, _, place = text.rpartition(":")
    if kind.startswith("endpoint"):
        protocol, _, port = service.partition("/")
        version = 6 if kind.endswith("6") else 4
        return AnEndpoint(scene.address(place, version), int(port), protocol)
    return _source(scene, text)


def asked(case: Case, partition: Partition | None = None) -> Answer:
    scene = SCENES[case.scene]()
    return answer(partition or scene.partition(), question(scene, case.question))


def wrong(case: Case) -> str:
    """In what the answer is another one than the case has it; empty if in nothing."""
    found = asked(case)
    codes = " ".join(sorted({one.code for one in found.blockers}))
    expected = " ".join(sorted(case.codes.split()))
    if (found.verdict, codes) == (case.verdict, expected):
        return ""
    return f"{case.name}: {found.verdict} {codes}, not {case.verdict} {expected}"
