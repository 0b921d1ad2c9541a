"""Firewalls of one network draw only what they pass on, as far as their routes say.

Switches know the firewalls of a network by their routes, take the longest prefix, and spread flows
over those that announce it. What they are told is read from the configurations.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_network
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewalls.configuration.offers import offer, unlike
from firewalls.configuration.plan import Facts, Net, plan
from firewalls.configuration.render import render
from firewalls.configuration.sequence import Rank, rank
from networks.common.addressing import IP, Cidr
from tests.firewalls.situations import (
    ALONE,
    BACKUP,
    INTERNET,
    INTERNET_DUAL,
    MPLS,
    SHOP_DUAL,
    SITUATIONS,
    STORAGE_DUAL,
    beside,
    ips,
    nets,
)
from tests.reader import frr
from tests.reader.domain import DEFAULT

FRR = "/etc/frr/frr.conf"
ARCHIVE = Net(
    "archive",
    "archive",
    3990,
    nets("10.128.12.0/24", "2001:db8:128:9::/64"),
    ips("10.128.12.9", "2001:db8:128:9::9"),
    place=5,
)
SHARED = (STORAGE_DUAL, BACKUP, ARCHIVE)
EXTERNALS = (INTERNET, INTERNET_DUAL, MPLS)
OUTSIDE: dict[int, IP] = {4: ip_address("198.51.100.8"), 6: ip_address("2001:db8:ffff::8")}


def firewalls(*joined: Iterable[Net]) -> list[Facts]:
    """The firewalls of a network that have joined these, each knowing the others."""
    apart = [
        replace(
            ALONE,
            hostname=f"fw-{number}",
            asn=4210000010 + number,
            router_id=IPv4Address("10.4.1.10") + number,
            primary=SHOP_DUAL,
            shared=tuple(net for net in these if net in SHARED),
            externals=tuple(net for net in these if net in EXTERNALS),
        )
        for number, these in enumerate(map(tuple, joined))
    ]
    return [beside(one, *(other for other in apart if other is not one)) for one in apart]


def told(facts: Facts, *, outside_is_there: bool) -> tuple[set[Cidr], set[Cidr]]:
    """What a firewall tells the switches of its network, and the default routes it would float."""
    text = render(plan(facts))[FRR]
    routing, primary = frr.read(text), f"vrf{facts.primary.vrf}"
    known = {prefix for net in facts.shared for prefix in net.prefixes}
    for net in facts.externals:
        reached = (*net.destination_prefixes, *net.prefixes)
        known |= {one for one in reached if one.prefixlen or outside_is_there}
    announced = set()
    for net in (*facts.shared, *facts.externals):
        for prefix in known & {*net.prefixes, *net.destination_prefixes}:
            if routing.imported(primary, f"vrf{net.vrf}", prefix) == frozenset():
                announced.add(prefix)
    return announced, {route for vrf, route in routing.originated if vrf == primary}


def drawn(every: Sequence[Facts], where: IP, *, outside_is_there: bool) -> list[Facts]:
    """The firewalls over which flows to that address are spread.

    A floating default route yields to any that comes from outside.
    """
    by_firewall = []
    answers = [told(one, outside_is_there=outside_is_there) for one in every]
    default = DEFAULT[where.version]
    brought = any(default in announced for announced, _ in answers)
    for facts, (announced, floats) in zip(every, answers, strict=True):
        routes = announced | (set() if brought else floats)
        fitting = [one.prefixlen for one in routes if one.version == where.version and where in one]
        by_firewall.append((max(fitting, default=-1), facts))
    longest = max(length for length, _ in by_firewall)
    return [facts for length, facts in by_firewall if length == longest >= 0]


def passed_on(facts: Facts, where: IP) -> bool:
    """Whether the firewall has the way there: nobody outside leads to a shared network."""
    inside = [net for net in SHARED if any(where in prefix for prefix in net.prefixes)]
    if inside:
        return inside[0] in facts.shared
    reached = [cidr for net in facts.externals for cidr in net.destination_prefixes]
    return any(where in cidr for cidr in reached)


def lost(every: Sequence[Facts], *, outside_is_there: bool = True) -> list[str]:
    """Flows that some firewall of the network would pass on, and that miss it, now and then."""
    shared = {net.id: net for facts in every for net in facts.shared}.values()
    targets = [prefix[5] for net in shared for prefix in net.prefixes]
    targets += OUTSIDE.values() if outside_is_there else ()
    lines = []
    for where in targets:
        if any(passed_on(facts, where) for facts in every):
            over = drawn(every, where, outside_is_there=outside_is_there)
            if not over or not all(passed_on(facts, where) for facts in over):
                lines.append(f"{where} over {[facts.hostname for facts in over]}")
    return lines


def as_if_alone(every: Iterable[Facts]) -> list[Facts]:
    """Each without the others: as they were configured once."""
    return [replace(facts, siblings=()) for facts in every]


JOINED = st.lists(st.sets(st.sampled_from((*SHARED, *EXTERNALS))), min_size=1, max_size=4)


@given(JOINED, st.booleans())
def test_no_flow_meets_a_firewall_that_drops_it(
    joined: list[set[Net]], outside_is_there: bool
) -> None:
    assert lost(firewalls(*joined), outside_is_there=outside_is_there) == []


UNLIKE: dict[str, list[tuple[Net, ...]]] = {
    "by a shared network": [(STORAGE_DUAL, INTERNET_DUAL), (STORAGE_DUAL, BACKUP, INTERNET_DUAL)],
    "by an external network": [(INTERNET_DUAL,), (STORAGE_DUAL,)],
    "without a way outside": [(STORAGE_DUAL, BACKUP), (STORAGE_DUAL, ARCHIVE)],
    "in one family": [(BACKUP, INTERNET_DUAL), (BACKUP, STORAGE_DUAL, INTERNET)],
    "three": [(BACKUP, INTERNET_DUAL), (STORAGE_DUAL,), ()],
}


@pytest.mark.parametrize("name", UNLIKE)
def test_configured_as_if_they_were_alone_they_lose_flows(name: str) -> None:
    every = firewalls(*UNLIKE[name])
    assert lost(every) == []
    assert lost(as_if_alone(every)) != []


def test_one_that_brings_a_default_route_alone_is_the_only_way_outside() -> None:
    every = firewalls((INTERNET_DUAL,), (STORAGE_DUAL,), (STORAGE_DUAL, BACKUP))
    for where in OUTSIDE.values():
        assert drawn(every, where, outside_is_there=True) == [every[0]]
    assert not any("route-map floating\n" in render(plan(facts))[FRR] for facts in every)


def test_every_firewall_that_has_joined_a_shared_network_is_a_way_to_it() -> None:
    first, second, third = every = firewalls(
        (STORAGE_DUAL, INTERNET_DUAL), (STORAGE_DUAL, BACKUP), (BACKUP,)
    )
    for outside_is_there in (True, False):
        here = {"outside_is_there": outside_is_there}
        assert drawn(every, ip_address("10.128.0.5"), **here) == [first, second]
        assert drawn(every, ip_address("10.128.4.5"), **here) == [second, third]


def steps(
    before: Sequence[Facts], after: Sequence[Facts], order: Sequence[int]
) -> list[list[Facts]]:
    """What the firewalls have after each push, in this order."""
    current = list(before)
    states = []
    for number in order:
        current[number] = after[number]
        states.append(list(current))
    return states


NETWORKS = st.sets(st.sampled_from((*SHARED, *EXTERNALS)))
# What becomes of a firewall: it joins these, or leaves them, or is new; nothing if that is empty.
CHANGES = st.lists(
    st.tuples(st.sampled_from(["joins", "leaves", "is new"]), NETWORKS), min_size=1, max_size=3
)


def ranks(before: Sequence[set[Net] | None], after: Sequence[set[Net]]) -> list[Rank]:
    all_same = len({frozenset(joined) for joined in after}) == 1
    vrfs = [had if had is None else {net.vrf for net in had} for had in before]
    return [
        rank(had, {net.vrf for net in gets}, all_same=all_same)
        for had, gets in zip(vrfs, after, strict=True)
    ]


@given(JOINED, CHANGES, st.randoms(), st.booleans())
def test_one_after_the_other_they_come_to_a_change_without_losing_a_flow(
    joined: list[set[Net]],
    changes: list[tuple[str, set[Net]]],
    chance: Random,
    outside_is_there: bool,
) -> None:
    """Several at once: who joins first, then who stays, who leaves, and who is new."""
    before: list[set[Net] | None] = [*joined]
    after = list(joined)
    for number, (what, networks) in enumerate(changes[: len(joined)]):
        after[number] = joined[number] - networks if what == "leaves" else joined[number] | networks
        before[number] = None if what == "is new" else joined[number]
    there = [number for number, had in enumerate(before) if had is not None]
    had = dict(zip(there, firewalls(*[joined[number] for number in there]), strict=True))
    order = chance.sample(range(len(joined)), len(joined))
    turns = ranks(before, after)
    for number in sorted(order, key=lambda number: turns[number]):
        had[number] = firewalls(*after)[number]
        assert lost(list(had.values()), outside_is_there=outside_is_there) == []


def test_one_that_joins_and_leaves_in_one_push_goes_last_unless_all_are_the_same_then() -> None:
    assert ranks([{BACKUP}, {STORAGE_DUAL}], [{STORAGE_DUAL}, {STORAGE_DUAL}])[0] == Rank.FIRST
    assert ranks([{BACKUP}, {BACKUP}], [{STORAGE_DUAL}, {BACKUP}])[0] == Rank.LAST


def test_the_other_way_round_they_lose_some() -> None:
    """Where all of them lead outside, and the shared network is found by that."""
    both, one = (
        [{STORAGE_DUAL, INTERNET_DUAL}] * 2,
        [{INTERNET_DUAL}, {STORAGE_DUAL, INTERNET_DUAL}],
    )
    for before, after, order in ((both, one, (0, 1)), (one, both, (1, 0))):
        halfway, done = steps(firewalls(*before), firewalls(*after), order)
        assert lost(halfway) != [] and lost(done) == []


@given(JOINED)
def test_what_stays_secret_stays_so(joined: list[set[Net]]) -> None:
    """The private prefixes are announced in no other network, whatever siblings have joined."""
    for facts in firewalls(*joined):
        routing = frr.read(render(plan(facts))[FRR])
        for net in (*facts.shared, *facts.externals):
            for prefix in facts.primary.prefixes:
                taken = routing.imported(f"vrf{net.vrf}", f"vrf{facts.primary.vrf}", prefix)
                assert taken in (None, frozenset({"no-export"}))


@given(st.sets(st.sampled_from((*SHARED, *EXTERNALS))), st.integers(1, 3))
def test_alike_ones_are_configured_as_one_alone_is(joined: set[Net], others: int) -> None:
    every = firewalls(*[joined] * (1 + others))
    assert [render(plan(facts)) for facts in every] == [
        render(plan(facts)) for facts in as_if_alone(every)
    ]


def test_a_family_in_which_they_are_alike_is_left_alone() -> None:
    facts = SITUATIONS["unlike-in-one-family"]
    assert facts.unlike == (6,)
    both, alone = (frr.read(render(plan(one))[FRR]) for one in (facts, replace(facts, siblings=())))
    storage = ip_network("10.128.0.0/22")
    assert both.imported("vrf3981", "vrf3982", storage) == frozenset({"no-export"})
    assert both.originated == {
        key: value for key, value in alone.originated.items() if key[1].version == 4
    }


def test_becoming_unlike_takes_no_route_away_but_the_default() -> None:
    """A list that is renamed or numbered anew would be gone for a moment."""
    facts = SITUATIONS["unlike-by-a-shared-network"]
    before = render(plan(replace(facts, siblings=())))[FRR].splitlines()
    after = render(plan(facts))[FRR].splitlines()
    assert [line for line in after if line not in before] == []
    assert {line for line in before if line not in after} == {
        " no bgp network import-check",
        "  network 0.0.0.0/0 route-map floating",
    }
    assert before.count(" set community no-export additive") == 2 + after.count(
        " set community no-export additive"
    )


def test_what_counts_is_what_the_network_has_of_a_family() -> None:
    """Shared networks and default routes of a family that it lacks make no difference."""
    first, second = firewalls((BACKUP, INTERNET), (BACKUP, INTERNET_DUAL, ARCHIVE))
    assert unlike([offer(one.primary, one.shared, one.externals) for one in (first, second)]) == (
        4,
        6,
    )
    only_v4 = [
        replace(one, primary=replace(one.primary, prefixes=nets("10.128.64.0/22")))
        for one in (first, second)
    ]
    assert unlike(offer(one.primary, one.shared, one.externals) for one in only_v4) == (4,)
