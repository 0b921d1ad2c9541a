"""Who can reach a network, and what a machine can reach: the single answers, put together."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from firewalls.reachability import AnyOf, Question, TheMachine, Verdict, answer
from firewalls.reachability.reaching import Service, reached, reaches
from tests.firewalls.reachability.generated import generated
from tests.firewalls.reachability.scenes import SCENES


def test_a_shared_network_is_reached_by_its_own_machines_and_its_consumers() -> None:
    found = list(reaches(SCENES["two_consumers"]().partition(), "storage"))
    assert [(one.source.id, one.verdict) for one in found] == [
        ("pay", "reachable"),
        ("shop", "reachable"),
        ("storage", "reachable"),
    ]
    assert [(way.name, str(way.addresses[0])) for one in found for way in one.ways] == [
        ("pay-fw", "10.128.0.201"),
        ("shop-fw", "10.128.0.200"),
    ]


def test_a_private_network_is_reached_by_its_own_machines_alone() -> None:
    found = list(reaches(SCENES["two_consumers"]().partition(), "shop"))
    assert [one.source.id for one in found] == ["shop"]


def test_a_network_that_rules_narrow_is_reached_in_part() -> None:
    found = list(reaches(SCENES["narrowed"]().partition(), "storage", Service("tcp", 2049)))
    assert [(one.source.id, one.verdict) for one in found] == [
        ("shop", "ambiguous"),
        ("storage", "reachable"),
    ]


def test_a_machine_is_told_as_whom_it_shows_itself_where() -> None:
    scene = SCENES["alike"]()
    found = list(reached(scene.partition(), scene.machines["web"], Service("tcp", 443)))
    ways = {one.target.id: [str(way.addresses[0]) for way in one.ways] for one in found}
    assert ways == {
        "internet": ["203.0.113.200", "203.0.113.201"],
        "shop": [],
        "storage": ["10.128.0.200", "10.128.0.201"],
    }


@given(st.integers(0, 10**9))
def test_all_at_once_says_what_single_answers_say(seed: int) -> None:
    """None is left out that is reached, and none is there that is not."""
    made = generated(Random(seed))
    private = [one.id for one in made.networks.values() if one.kind == "private"]
    for target in private:
        rows = {
            one.source.id: one.verdict
            for one in reaches(made.partition, target, Service("tcp", 443))
        }
        for source in private:
            asked = Question(AnyOf(source), AnyOf(target), 443)
            expected = answer(made.partition, asked).verdict
            assert rows.get(source, Verdict.UNREACHABLE) is expected, (source, target)
    for machine in made.machines[::3]:
        found = {one.target.id: one.verdict for one in reached(made.partition, machine)}
        for target in private:
            expected = answer(made.partition, Question(TheMachine(machine), AnyOf(target))).verdict
            assert found.get(target, Verdict.UNREACHABLE) is expected, (machine, target)
