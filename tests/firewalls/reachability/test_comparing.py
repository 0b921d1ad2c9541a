"""Flows that come and go: written changes, and what random packets meet on either side."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewalls.reachability import Change, Packet, Partition, compared
from firewalls.reachability.answering import Trace, followed
from firewalls.reachability.questions import Probe
from tests.firewalls.reachability.building import Scene, with_siblings
from tests.firewalls.reachability.generated import Generated, generated
from tests.firewalls.reachability.scenes import SCENES, networks


def sides(before: str, after: str) -> list[str]:
    found = compared(SCENES[before]().partition(), SCENES[after]().partition())
    return sorted(map(line, found))


def line(change: Change) -> str:
    sign = "+" if change.gained else "-" if change.lost else "~"
    target = change.endpoint or change.target.id
    parts = f" at {' '.join(map(str, change.parts))}" if change.parts else ""
    sources = f" of {' '.join(map(str, change.sources))}" if change.sources else ""
    families = "".join(map(str, change.versions))
    services = " ".join(change.services)
    return f"{sign} {change.source.id} → {target}: {services}{parts}{sources} ({families})"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("one_consumer", "one_consumer", []),
        ("nothing_joined", "no_external", ["+ shop → storage: everything (4)"]),
        ("no_external", "nothing_joined", ["- shop → storage: everything (4)"]),
        (
            "nothing_joined",
            "one_consumer",
            ["+ shop → internet: tcp/443 (4)", "+ shop → storage: everything (4)"],
        ),
        ("one_consumer", "two_consumers", ["+ pay → storage: everything (4)"]),
        (
            "two_consumers",
            "published",
            [
                "+ shop → 10.128.0.200, tcp/8080: tcp/8080 (4)",
                "+ storage → 10.128.0.200, tcp/8080: tcp/8080 (4)",
            ],
        ),
        (
            "no_rules",
            "rules_outside",
            [
                "+ internet → shop: tcp/22 of 192.0.2.0/24 (4)",
                "+ shop → internet: tcp/25,443,8000-8100 udp/53 at 198.51.100.0/24 (4)",
                "+ shop → internet: tcp/443,8000-8100 udp/53 at 0.0.0.0/0 (4)",
            ],
        ),
        (
            "no_rules",
            "rules_of_one_source",
            ["+ shop → internet: tcp/443 of 10.128.64.10/32 (4)"],
        ),
        ("dual_consumer", "dual_consumer", []),
        (
            "pending",
            "never_pushed",
            ["- shop → internet: tcp/443 (4)", "- shop → storage: everything (4)"],
        ),
    ],
)
def test_what_comes_and_goes_is_told_by_network_and_service(
    before: str, after: str, expected: list[str]
) -> None:
    assert sides(before, after) == expected


def test_the_same_in_both_families_is_told_once() -> None:
    scene = SCENES["dual_consumer"]()
    facts = {name: replace(one, shared=()) for name, one in scene.facts.items()}
    found = compared(replace(scene, facts=facts).partition(), scene.partition())
    assert sorted(map(line, found)) == [
        "+ shop → backup: everything (4)",
        "+ shop → cold: everything (6)",
        "+ shop → storage: everything (46)",
    ]


def test_a_narrowed_network_loses_all_but_what_is_named() -> None:
    scene: Scene = networks().firewall("shop-fw", "shop", "storage")
    found = compared(scene.partition(), SCENES["narrowed"]().partition())
    assert sorted(map(line, found)) == [
        "+ shop → internet: tcp/443 (4)",
        "- shop → storage: tcp/1-442,444-2048,2050-65535 udp at 10.128.0.8/29 (4)",
        "- shop → storage: tcp/1-442,444-65535 udp at 10.128.0.0/22 (4)",
    ]


def otherwise(made: Generated, chance: Random) -> Generated:
    """The same with less joined, allowed or published of one firewall."""
    facts = list(made.facts)
    at = chance.randrange(len(facts))
    what = chance.choice(["shared", "externals", "rules", "endpoints"])
    facts[at] = replace(facts[at], **{what: getattr(facts[at], what)[1:]})
    if what == "shared":
        facts[at] = replace(facts[at], endpoints=())
    return replace(made, facts=tuple(with_siblings(one, facts) for one in facts))


@given(st.integers(0, 10**9))
def test_every_packet_that_fares_otherwise_is_among_the_changes(seed: int) -> None:
    chance = Random(seed)
    made = generated(chance)
    if not made.facts:
        return
    pair = [made.partition, otherwise(made, chance).partition]
    chance.shuffle(pair)
    before, after = pair
    changes = compared(before, after)
    assert all(one.before is not one.after for one in changes)
    for network, parcel in made.questions(chance):
        packet = Packet(parcel.source, parcel.destination, parcel.protocol, parcel.port)
        verdicts = [fares(side, packet, network) for side in pair]
        if verdicts[0] != verdicts[1] and not is_out_of_scope(made, pair, packet, network):
            assert any(covers(before, one, packet, network) for one in changes), (packet, verdicts)


def is_out_of_scope(made: Generated, pair: list[Partition], packet: Packet, network: str) -> bool:
    """What comes from outside, and what is for a firewall itself and no endpoint of it."""
    published = {
        (one.address, one.protocol, one.port)
        for side in pair
        for guard in side.guards
        for one in (guard.plan.port_forwards if guard.plan else ())
    }
    own = any(packet.destination in side.holders for side in pair)
    forwarded = (packet.destination, packet.protocol, packet.port) in published
    return made.networks[network].kind == "external" or (own and not forwarded)


def fares(side: Partition, packet: Packet, network: str) -> str:
    probe = Probe(packet, network)
    return str(Trace(probe, tuple(followed(side, probe))).verdict)


def covers(side: Partition, change: Change, packet: Packet, network: str) -> bool:
    """Whether the packet is one of the change's, as far as its network, family and service go."""
    place = side.network_of(packet.destination)
    if packet.version not in change.versions:
        return False
    if str(packet.destination) in change.endpoint:
        return True
    there = place is None or place.kind == "external" or place.id == change.target.id
    return change.source.id == network and there and is_of(change.services, packet)


def is_of(services: tuple[str, ...], packet: Packet) -> bool:
    for one in services:
        protocol, _, ports = one.partition("/")
        if protocol in ("everything", "ping" if packet.protocol == "icmp" else packet.protocol):
            spans = [span.partition("-") for span in ports.split(",") if ports]
            if not spans or any(
                int(first) <= (packet.port or 0) <= int(last or first) for first, _, last in spans
            ):
                return True
    return False
