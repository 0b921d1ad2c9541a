"""What breaks a law: written cases of each kind, and on generated partitions what a model says."""

import os
from collections.abc import Iterator
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewalls.reachability.laws import Box, Breach, Kind, Law, beyond, broken
from firewalls.reachability.values import Packet
from networks.common.addressing import IP
from tests.firewalls.reachability.generated import TRIED, Generated, generated
from tests.firewalls.reachability.scenes import SCENES
from tests.firewalls.reachability.walk import Parcel

PARTITIONS = int(os.environ.get("PARTITIONS", "40"))
ONLY, ALWAYS, NOBODY = Kind.ONLY, Kind.ALWAYS, Kind.NOBODY


def law(kind: Kind, *who: str, **fields: object) -> Law:
    to = fields.pop("to", "")
    if to:
        fields["target_network"] = to
    return Law(1, kind, projects=frozenset(who), **fields)  # type: ignore[arg-type]


NFS = {"protocol": "tcp", "port": 2049}
WEB = {"protocol": "tcp", "port": 443}
# By scene: a law, and by whom it is broken, as source > target.
CASES: list[tuple[str, Law, str]] = [
    ("two_consumers", law(ONLY, "shop", "pay", to="storage", **NFS), ""),
    ("two_consumers", law(ONLY, "shop", to="storage", **NFS), "pay > storage"),
    ("two_consumers", law(ONLY, "lab", to="storage"), "pay > storage, shop > storage"),
    ("two_consumers", law(ONLY, "shop", to="backup"), ""),
    ("two_consumers", law(ONLY, "shop", to="storage", partition="ams"), ""),
    ("two_consumers", law(ONLY, "shop", to="storage", family=6), ""),
    ("two_consumers", law(ONLY, "shop", target_project="storage"), "pay > storage"),
    ("two_consumers", law(ONLY, "pay", **WEB), "shop > the internet"),
    ("two_consumers", law(ONLY, "shop", **WEB), ""),
    ("two_consumers", law(NOBODY, to="storage"), "pay > storage, shop > storage"),
    ("two_consumers", law(NOBODY, "pay", to="storage"), "pay > storage"),
    ("two_consumers", law(NOBODY, "storage", to="shop"), ""),
    ("two_consumers", law(NOBODY, to="storage", outside=True), ""),
    ("two_consumers", law(NOBODY, protocol="udp"), ""),
    ("two_consumers", law(NOBODY), "shop > the internet"),
    ("two_consumers", law(ALWAYS, "shop", **WEB), ""),
    ("two_consumers", law(ALWAYS, "pay", **WEB), "pay > the internet"),
    ("two_consumers", law(ALWAYS, "shop", "pay", to="storage", **NFS), ""),
    (
        "two_consumers",
        law(ALWAYS, "shop", to="storage", protocol="tcp", port=179),
        "shop > storage",
    ),
    ("two_consumers", law(ALWAYS, "lab", to="storage", **NFS), "lab > storage"),
    ("two_consumers", law(ALWAYS, "shop", to="storage", family=6, **NFS), "shop > storage"),
    ("two_consumers", law(ALWAYS, "shop", to="far", **NFS), ""),
    ("narrowed", law(ALWAYS, "shop", to="storage", **NFS), "shop > storage"),
    ("narrowed", law(NOBODY, to="storage", protocol="tcp", port=22), ""),
    ("narrowed", law(NOBODY, to="storage", **NFS), "shop > storage"),
    ("own_firewall", law(NOBODY, to="storage", outside=True), "internet > storage"),
    ("own_firewall", law(NOBODY, to="storage", outside=True, **NFS), ""),
    (
        "own_firewall",
        law(ONLY, "shop", to="storage", protocol="tcp", port=22),
        "internet > storage",
    ),
    ("own_firewall", law(NOBODY, "shop", to="storage", protocol="udp"), "shop > storage"),
    ("chain", law(NOBODY, "shop", to="storage"), ""),
    ("chain", law(NOBODY, "shop", to="pay"), "shop > pay"),
]


def _named(value: object) -> str:
    """Sets have no order of their own, and a case is called alike in every process."""
    return value.sentence if isinstance(value, Law) else str(value)


@pytest.mark.parametrize(("scene", "meant", "by"), CASES, ids=_named)
def test_a_law_is_broken_by_these_and_no_others(scene: str, meant: Law, by: str) -> None:
    found = broken(SCENES[scene]().partition(), meant)
    ends = {f"{one.source} > {one.target or 'the internet'}" for one in found}
    assert ", ".join(sorted(ends)) == by


def test_an_endpoint_leads_into_the_network_of_its_machine() -> None:
    scene = SCENES["two_consumers"]().endpoint("shop-fw", "storage", "web", ports=(8080, 80))
    at = {"protocol": "tcp", "port": 80}
    found = broken(scene.partition(), law(NOBODY, to="shop", **at))
    assert {one.source for one in found} == {"storage", "pay"}
    assert {hop.kind for one in found for hop in one.path} >= {"endpoint", "firewall", "machine"}
    assert broken(scene.partition(), law(NOBODY, to="shop", protocol="tcp", port=8080)) == []


def test_what_always_reaches_is_judged_where_machines_are() -> None:
    scene = SCENES["two_consumers"]().network("new", "10.128.76.0/22", project="shop")
    assert broken(scene.partition(), law(ALWAYS, "shop", **WEB)) == []
    found = broken(scene.machine("first", "new").partition(), law(ALWAYS, "shop", **WEB))
    assert [(one.source, one.reason) for one in found] == [
        ("new", "new has no firewall, so its machines reach each other alone.")
    ]


def test_a_breach_says_how_far_it_goes_so_that_more_of_the_same_is_more() -> None:
    some = broken(SCENES["narrowed"]().partition(), law(NOBODY, to="storage"))
    every = broken(SCENES["two_consumers"]().partition(), law(NOBODY, "shop", to="storage"))
    narrow = {one.key[1:]: one.boxes for one in some}
    wide = {one.key[1:]: one.boxes for one in every}
    tcp = ("shop", "storage", 4, "tcp")
    assert beyond(wide[tcp], narrow[tcp])
    assert not beyond(narrow[tcp], wide[tcp])
    assert not beyond(wide[tcp], wide[tcp])


SENTENCES = {
    "only pay and shop reach storage on tcp/2049": law(ONLY, "shop", "pay", to="storage", **NFS),
    "only shop reaches backup by ping": law(ONLY, "shop", to="backup", protocol="icmp"),
    "web always reaches the internet on tcp/443": law(ALWAYS, "web", **WEB),
    "nobody reaches backup from outside in fra": law(
        NOBODY, to="backup", outside=True, partition="fra"
    ),
    "nobody of shop reaches networks of lab by IPv6": law(
        NOBODY, "shop", target_project="lab", family=6
    ),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_law_is_a_sentence(sentence: str) -> None:
    assert SENTENCES[sentence].sentence == sentence


RANGES = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda pair: tuple(sorted(pair)))
BOXES = st.lists(st.builds(Box, RANGES, RANGES, RANGES), max_size=4)


def _points(boxes: list[Box]) -> set[tuple[int, ...]]:
    ranges = [[range(first, last + 1) for first, last in box] for box in boxes]
    return {point for one in ranges for point in product(*one)}


@given(BOXES, BOXES)
def test_what_is_beyond_is_what_is_in_no_known_box(boxes: list[Box], known: list[Box]) -> None:
    assert _points(beyond(boxes, known)) == _points(boxes) - _points(known)


def laws(chance: Random, partition: Generated) -> Iterator[Law]:
    private = [one for one in partition.networks.values() if one.kind == "private"]
    for _ in range(12):
        kind = chance.choice([*Kind])
        protocol, port = chance.choice(TRIED)
        who = frozenset(one.id for one in chance.sample(private, chance.choice([1, 1, 2])))
        if kind is NOBODY and chance.random() < 0.5:
            who = frozenset()
        target = chance.choice([*private, None])
        yield Law(
            1,
            kind,
            networks=who,
            target_network=target.id if target else "",
            protocol=protocol,
            port=port or None,
            family=chance.choice([None, None, 4, 6]),
        )


def _verdict(partition: Generated, packet: Packet, network: str) -> str:
    parcel = Parcel(packet.source, packet.destination, packet.protocol, packet.port or 0)
    return partition.model.verdict(parcel, network)


Pair = tuple[str, str, Packet]


def _pairs(partition: Generated, meant: Law) -> Iterator[Pair]:
    """Every pair of machines that a law is about, and endpoints that lead to one."""
    for source in partition.machines:
        if source.network != meant.target_network:
            for here in source.addresses:
                if meant.family in (None, here.version):
                    yield from _direct(partition, meant, source.network, here)
                    yield from _published(partition, meant, source.network, here)


def _direct(partition: Generated, meant: Law, network: str, here: IP) -> Iterator[Pair]:
    for target in partition.machines:
        for there in target.addresses if target.network == meant.target_network else ():
            if here.version == there.version:
                yield network, target.network, Packet(here, there, meant.protocol, meant.port)


def _published(partition: Generated, meant: Law, network: str, here: IP) -> Iterator[Pair]:
    for facts in partition.facts if meant.forbids else ():
        for one in facts.endpoints if facts.primary.id == meant.target_network else ():
            same = (one.protocol, one.target_port) == (meant.protocol, meant.port)
            if same and here.version == one.address.version:
                packet = Packet(here, one.address, one.protocol, one.port)
                yield network, facts.primary.id, packet


def _is_about(meant: Law, network: str) -> bool:
    named = network in meant.networks
    if meant.kind is ONLY:
        return not named
    return named or (meant.kind is NOBODY and not meant.networks)


BREAKS = {True: {"reachable", "ambiguous", "unknown"}, False: {"unreachable", "ambiguous"}}


@settings(max_examples=PARTITIONS)
@given(st.integers(0, 10**9))
def test_what_a_model_finds_breaks_a_law_and_nothing_else_does(
    seed: int,
) -> None:
    partition = generated(Random(seed))
    for meant in laws(Random(seed), partition):
        found = broken(partition.partition, meant)
        ends = {(one.source, one.target, one.version) for one in found}
        for source, target, packet in _pairs(partition, meant):
            if _is_about(meant, source):
                verdict = _verdict(partition, packet, source)
                if verdict in BREAKS[meant.forbids]:
                    assert (source, target, packet.version) in ends, (meant, packet)
        _are_so(partition, meant, found)


def _are_so(partition: Generated, meant: Law, found: list[Breach]) -> None:
    """The packet that a breach names does what it says."""
    for one in found:
        if one.path and not one.outside:
            verdict = _verdict(partition, one.packet, one.source)
            assert verdict in BREAKS[meant.forbids], (meant, one)
            assert _is_about(meant, one.source)
