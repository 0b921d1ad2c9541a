"""The leak audit: consumers reach shared networks and endpoints, and anything else is found."""

from dataclasses import replace
from ipaddress import ip_network
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewalls.reachability import AnEndpoint, AnyOf, Guard, Partition, Question, Verdict, answer
from firewalls.reachability.auditing import audit
from firewalls.reachability.audits import Audit, Kind
from tests.firewalls.reachability.generated import Generated, generated
from tests.firewalls.reachability.scenes import SCENES

Ends = set[tuple[str, str]]
SERVICES = (("tcp", None), ("udp", None), ("icmp", None))


def audited(scene: str) -> Audit:
    return audit(SCENES[scene]().partition())


def ways(found: Audit) -> list[tuple[str, str, str, str]]:
    return [(one.source.id, one.target.id, one.network, one.kind) for one in found.connections]


def spoiled(partition: Partition, firewall: str, *, told: str) -> Partition:
    """As if the firewall announced all that it imports into this network to everybody."""
    guards = (
        _telling(guard, told) if guard.name == firewall else guard for guard in partition.guards
    )
    return replace(partition, guards=tuple(guards))


def _telling(guard: Guard, network: str) -> Guard:
    assert guard.plan
    vrfs = tuple(
        replace(vrf, leaks=tuple(replace(one, no_export=False) for one in vrf.leaks))
        if vrf.network == network
        else vrf
        for vrf in guard.plan.vrfs
    )
    return replace(guard, plan=replace(guard.plan, vrfs=vrfs))


def test_consumers_reach_the_shared_network_and_nothing_else() -> None:
    found = audited("two_consumers")
    assert ways(found) == [
        ("pay", "storage", "storage", "consumer"),
        ("shop", "storage", "storage", "consumer"),
    ]
    assert (found.leaks, found.exposures, found.unknown) == ([], (), ())
    shown = [str(via.shown) for one in found.connections for via in one.via]
    assert shown == ["10.128.0.201", "10.128.0.200"]


def test_an_endpoint_is_reached_from_the_shared_network_and_by_the_other_consumers() -> None:
    found = audited("published")
    assert set(ways(found)) == {
        ("pay", "storage", "storage", "consumer"),
        ("shop", "storage", "storage", "consumer"),
        ("pay", "shop", "storage", "endpoint"),
        ("storage", "shop", "storage", "endpoint"),
    }
    assert found.leaks == []
    through_both = found.connections[0]
    assert [via.name for via in through_both.via] == ["pay-fw", "shop-fw"]


def test_rules_that_narrow_are_named_one_by_one() -> None:
    rules = {via.rule for one in audited("narrowed").connections for via in one.via}
    assert rules == {
        "tcp 2049 to 10.128.0.8/29: a rule",
        "tcp 443 to 10.128.0.0/22: a rule",
        "pings to 10.128.0.0/22: ping storage",
    }


def test_consuming_is_not_passed_on() -> None:
    assert ("shop", "storage") not in {way[:2] for way in ways(audited("chain"))}


def test_projects_are_put_together_in_pairs() -> None:
    found = audited("published")
    assert [(pair.source, pair.target, pair.leaks) for pair in found.pairs] == [
        ("pay", "shop", 0),
        ("pay", "storage", 0),
        ("shop", "storage", 0),
        ("storage", "shop", 0),
    ]
    pair = found.pairs[0]
    assert (pair.networks, pair.firewalls) == (["storage"], ["pay-fw", "shop-fw"])
    assert (pair.machines, pair.verdict) == (1, Verdict.REACHABLE)


def test_a_private_prefix_that_is_told_in_the_shared_network_is_found() -> None:
    """What a firewall does whose import carries no no-export, as other software's."""
    found = audit(spoiled(SCENES["one_consumer"]().partition(), "shop-fw", told="storage"))
    (exposure,) = found.exposures
    assert (exposure.name, exposure.network, str(exposure.prefix), exposure.owner) == (
        "shop-fw",
        "storage",
        "10.128.64.0/22",
        "shop",
    )
    assert found.leaks == []  # the rules still let nothing in that way


def test_a_private_prefix_that_is_told_outside_is_found() -> None:
    found = audit(spoiled(SCENES["one_consumer"]().partition(), "shop-fw", told="internet"))
    assert [(one.network, str(one.prefix)) for one in found.exposures] == [
        ("internet", "10.128.64.0/22")
    ]


def test_a_private_prefix_is_found_though_the_network_that_is_told_has_the_same() -> None:
    """Ours never overlap (R13); those of other software may."""
    partition = spoiled(SCENES["one_consumer"]().partition(), "shop-fw", told="storage")
    prefixes = partition.networks["shop"].prefixes
    alike = replace(partition.networks["storage"], prefixes=prefixes)
    found = audit(replace(partition, networks={**partition.networks, "storage": alike}))
    assert [(one.network, one.prefix, one.owner) for one in found.exposures] == [
        ("storage", prefixes[0], "shop")
    ]


def test_a_default_route_that_a_shared_network_is_told_of_is_nobodys_prefix() -> None:
    partition = spoiled(SCENES["one_consumer"]().partition(), "shop-fw", told="storage")
    (guard,) = partition.guards
    assert guard.plan
    outside = next(leak for leak in guard.vrfs["shop"].leaks if leak.entries[0].longest is None)
    vrf = guard.vrfs["storage"]
    told = replace(vrf, leaks=(replace(outside, target=vrf.number),))
    vrfs = tuple(told if one is vrf else one for one in guard.plan.vrfs)
    spoilt = replace(guard, plan=replace(guard.plan, vrfs=vrfs))
    found = audit(replace(partition, guards=(spoilt,)))
    assert ("storage", "0.0.0.0/0", "") in {
        (one.network, str(one.prefix), one.owner) for one in found.exposures
    }


def test_what_a_shared_network_opens_into_a_consumer_is_found() -> None:
    """Told of the prefix, and let through by a rule that minds no network."""
    partition = spoiled(SCENES["one_consumer"]().partition(), "shop-fw", told="storage")
    (guard,) = partition.guards
    assert guard.plan
    towards = next(flow for flow in guard.plan.flows if flow.comment == "to storage")
    back = replace(
        towards,
        source=towards.target,
        target=towards.source,
        sources=(),
        destinations=(),
        protocol="tcp",
        comment="allow apt update",
    )
    opened = replace(guard, plan=replace(guard.plan, flows=(*guard.plan.flows, back)))
    found = audit(replace(partition, guards=(opened,)))
    assert [(one.source.id, one.target.id, one.kind) for one in found.leaks] == [
        ("storage", "shop", Kind.OPENED_BACKWARDS)
    ]
    assert [pair.leaks for pair in found.pairs] == [1, 0]


def test_consumers_that_show_their_own_addresses_are_found() -> None:
    partition = spoiled(SCENES["one_consumer"]().partition(), "shop-fw", told="storage")
    (guard,) = partition.guards
    assert guard.plan
    bare = replace(guard, plan=replace(guard.plan, translations=()))
    found = audit(replace(partition, guards=(bare,)))
    assert [one.kind for one in found.leaks] == [Kind.NOT_HIDDEN]


def test_a_network_that_is_used_and_not_shared_is_found() -> None:
    partition = SCENES["one_consumer"]().partition()
    unshared = replace(partition.networks["storage"], shared=False)
    found = audit(replace(partition, networks={**partition.networks, "storage": unshared}))
    assert [one.kind for one in found.leaks] == [Kind.NOT_SHARED]


def test_firewalls_that_run_something_else_are_named() -> None:
    partition = SCENES["two_consumers"]().partition()
    guards = tuple(
        replace(guard, plan=None, facts=None, known=False) if guard.name == "pay-fw" else guard
        for guard in partition.guards
    )
    found = audit(replace(partition, guards=guards))
    assert [guard.name for guard in found.unknown] == ["pay-fw"]
    assert [one.source.id for one in found.connections] == ["shop"]


def asked_one_by_one(made: Generated) -> tuple[Ends, Ends]:
    """Which networks reach which, by themselves and at endpoints: every pair asked."""
    partition, private = made.partition, [n for n in made.networks.values() if n.kind == "private"]
    direct = {
        (source.id, target.id)
        for source in private
        for target in private
        for protocol, port in SERVICES
        if source is not target
        and _comes_about(partition, Question(AnyOf(source.id), AnyOf(target.id), port, protocol))
    }
    published = {
        (source.id, facts.primary.id)
        for source in private
        for facts in made.facts
        for one in facts.endpoints
        if source.id != facts.primary.id
        and _comes_about(
            partition,
            Question(AnyOf(source.id), AnEndpoint(one.address, one.port, one.protocol)),
        )
    }
    return direct, published


def _comes_about(partition: Partition, question: Question) -> bool:
    return answer(partition, question).verdict is not Verdict.UNREACHABLE


@given(st.integers(0, 10**9))
def test_it_finds_what_every_pair_asked_by_itself_finds_and_no_leak(seed: int) -> None:
    made = generated(Random(seed))
    found = audit(made.partition)
    direct, published = asked_one_by_one(made)
    by_kind = {
        kind: {(one.source.id, one.target.id) for one in found.connections if one.kind is kind}
        for kind in (Kind.CONSUMER, Kind.ENDPOINT)
    }
    assert by_kind == {Kind.CONSUMER: direct, Kind.ENDPOINT: published}
    assert (found.leaks, found.exposures) == ([], ())


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_firewalls_does_not_matter(seed: int) -> None:
    made = generated(Random(seed)).partition
    turned = replace(made, guards=made.guards[::-1])
    assert audit(made).connections == audit(turned).connections


def test_prefixes_within_one_another_are_all_found() -> None:
    partition = SCENES["two_consumers"]().partition()
    found = {network.id for _, network in partition.places.within(ip_network("10.128.0.0/16"))}
    assert found == {"shop", "pay", "lab", "storage", "backup"}
    assert [one.id for _, one in partition.places.within(ip_network("10.128.1.0/24"))] == [
        "storage"
    ]
