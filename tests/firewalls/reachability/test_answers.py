"""What an answer says beside its verdict: both ways, the rule, remedies, and what it assumes."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewalls.reachability import Answer, AnyOf, Hop, Opens, Question, Verdict, answer
from firewalls.reachability.remedies import cured
from firewalls.reachability.wording import WORDS
from tests.firewalls.reachability.asking import question
from tests.firewalls.reachability.building import Scene
from tests.firewalls.reachability.cases import CASES
from tests.firewalls.reachability.generated import generated
from tests.firewalls.reachability.scenes import SCENES, networks
from tests.firewalls.reachability.walk import Parcel


def ask(scene: str, text: str) -> Answer:
    made = SCENES[scene]()
    return answer(made.partition(), question(made, text))


def shown(hops: tuple[Hop, ...]) -> list[str]:
    return [f"{hop.kind} {hop.name}" for hop in hops]


def test_the_path_leads_hop_by_hop_to_the_machine_and_back() -> None:
    found = ask("one_consumer", "web -> disk tcp/2049")
    way = ["machine web", "vrf shop", "firewall shop-fw", "vrf storage", "machine disk"]
    assert shown(found.path) == way
    assert shown(found.return_path) == way[::-1]
    assert found.blockers == ()
    assert found.remedies == ()


def test_a_firewall_on_the_path_says_rule_line_and_translation() -> None:
    hop = ask("one_consumer", "web -> internet tcp/443").path[2]
    assert hop.rule == "tcp 443 to 0.0.0.0/0: a rule"
    assert hop.line.startswith("ip daddr { 0.0.0.0/0 } tcp dport { 443 } ct mark set")
    assert hop.translation is not None
    assert (hop.translation.before, hop.translation.after) == ("10.128.64.10", "203.0.113.200")


def test_the_own_firewalls_endpoint_translates_both_ends() -> None:
    path = ask("published", "app -> endpoint:shop-fw in storage tcp/8080").path
    assert shown(path)[1:4] == [*("vrf shop", "endpoint 10.128.0.200:8080/tcp", "firewall shop-fw")]
    assert path[2].translation and path[2].translation.after == "10.128.64.10:80"
    assert path[3].translation and path[3].translation.after == "10.128.64.200"


def test_an_endpoint_of_another_consumer_is_two_firewalls_away() -> None:
    found = ask("published", "till -> endpoint:shop-fw in storage tcp/8080")
    way = ["firewall pay-fw", "vrf storage", "endpoint 10.128.0.200:8080/tcp", "firewall shop-fw"]
    assert shown(found.path)[2:6] == way
    assert [one for one in shown(found.return_path) if "firewall" in one] == way[::-3]


def test_each_remedy_says_what_it_opens_who_may_and_where() -> None:
    found = ask("nothing_joined", "web -> test tcp/22")
    assert [(one.action, one.role, one.network) for one in found.remedies] == [
        ("share", "admin", "lab"),
        ("join", "operator", "lab"),
    ]
    assert found.remedies[1].opens == Opens(machines=2, flows=2)
    assert found.remedies[1].message == "Join shop-fw to lab: 2 machines of shop reach 1 machine."


def test_what_lacks_a_way_outside_is_offered_every_network_that_leads_there() -> None:
    found = ask("serving", "web -> internet tcp/443")
    assert [one.network for one in found.remedies if one.action == "join"] == ["internet"]


def test_a_machine_of_a_shared_network_is_offered_an_endpoint_or_the_one_there_is() -> None:
    text = "disk -> web tcp/80"
    actions = [one.action for one in ask("two_consumers", text).remedies]
    assert "endpoint" in actions
    remedies = {one.action: one for one in ask("published", text).remedies}
    assert "10.128.0.200, tcp/8080" in remedies["use-endpoint"].message


@pytest.mark.parametrize(
    ("scene", "text", "words"),
    [
        ("pending", "web -> disk tcp/2049", "shop-fw runs an older configuration"),
        ("one_consumer", "web -> internet tcp/443", "route of internet comes from outside"),
        ("one_consumer", "web -> disk tcp/2049", "Pods whose traffic"),
        ("one_consumer", "web -> 10.128.0.77 tcp/22", "No machine of storage is known"),
        ("rules_outside", "web -> internet tcp", "tcp passes on 443, 8000-8100"),
    ],
)
def test_what_an_answer_takes_for_granted_is_said(scene: str, text: str, words: str) -> None:
    assert [one for one in ask(scene, text).assumptions if words in one], words


def test_nothing_is_assumed_of_what_is_not_on_the_way() -> None:
    assert ask("one_consumer", "web -> app tcp/22").assumptions == ()


def test_a_source_that_no_network_leads_to_is_said_to_be_nowhere() -> None:
    made = networks()
    del made.networks["internet"]
    found = answer(made.partition(), question(made, "198.51.100.9 -> disk tcp/22"))
    assert [one.code for one in found.blockers] == ["comes_from_nowhere"]
    assert found.verdict is Verdict.UNREACHABLE


def test_every_code_is_met_by_a_written_case() -> None:
    """But those that one firewall's own plan, and replies looked at last, leave no room for."""
    met = {code for case in CASES for code in case.codes.split()}
    assert WORDS.keys() - met == {"nothing_allowed", "no_route", "no_way_back", "outside_alone"}


def test_obstacles_taken_away_as_remedies_say_leave_a_way() -> None:
    """In every written case where all that is in the way has a remedy of its own."""
    curable = {"not_shared", "not_joined", "no_egress_rule", "narrowed", "no_way_outside"}
    cases = [case for case in CASES if case.codes and set(case.codes.split()) <= curable]
    assert len(cases) > 15
    for case in cases:
        made = SCENES[case.scene]()
        if "net:" in case.question or "leased" in made.networks:
            continue
        assert _until_reachable(made, case.question) is Verdict.REACHABLE, case.name


def _until_reachable(made: Scene, text: str) -> Verdict:
    from firewalls.reachability.answering import trace

    partition, asked = made.partition(), question(made, text)
    for _ in range(4):
        found = answer(partition, asked)
        if found.reachable:
            break
        obstacles = [
            obstacle
            for version in (4, 6)
            for one in trace(partition, asked, version)
            for course in one.courses
            for obstacle in course.obstacles
        ]
        partition = cured(partition, obstacles)
    return answer(partition, asked).verdict


@given(st.integers(0, 10**9))
def test_a_network_is_reached_as_its_machines_are(seed: int) -> None:
    """What is so of all of a network is so of each machine in it, as the model has it."""
    made = generated(Random(seed))
    for source in made.networks.values():
        for target in made.networks.values():
            if source is target or {source.kind, target.kind} != {"private"}:
                continue
            found = answer(made.partition, Question(AnyOf(source.id), AnyOf(target.id), 443))
            verdicts = {
                made.model.verdict(Parcel(here, there, "tcp", 443), source.id)
                for one in made.machines
                for other in made.machines
                if (one.network, other.network) == (source.id, target.id)
                for here in one.addresses
                for there in other.addresses
                if here.version == there.version
            }
            if found.verdict in (Verdict.REACHABLE, Verdict.UNREACHABLE):
                assert verdicts <= {str(found.verdict)}, (source.id, target.id)


@given(st.integers(0, 10**9))
def test_an_answer_is_whole_whatever_is_asked(seed: int) -> None:
    """A way where there is one, a reason where there is none, and the same answer each time."""
    made = generated(Random(seed))
    machines = made.machines
    for one in machines[::2]:
        for other in machines[1::2]:
            text = Question(AnyOf(one.network), AnyOf(other.network), 80)
            found = answer(made.partition, text)
            assert found == answer(made.partition, text)
            assert bool(found.blockers) == (not found.reachable)
            if found.reachable:
                assert found.path and found.return_path
                assert not found.remedies
