"""The picture of a firewall tells all of its plan and no more, and nothing lies over anything."""

from dataclasses import replace
from ipaddress import ip_address, ip_network
from itertools import combinations

import pytest

from firewalls.configuration.plan import Facts, Net, plan
from firewalls.picture.inside import FRAME, Inside, draw
from firewalls.picture.lanes import Kind, Lane, lanes
from firewalls.picture.texts import SMALL, TITLE, width
from tests.firewalls.situations import INTERNET, SITUATIONS

every_situation = pytest.mark.parametrize("facts", SITUATIONS.values(), ids=SITUATIONS)
MACHINES = {"shop-private": 4, "storage-fra": 1_204}


def drawing(facts: Facts) -> Inside:
    return draw(plan(facts), MACHINES, lambda network: f"/networks/{network}/")


def lane(name: str, network: str) -> Lane:
    return next(one for one in lanes(plan(SITUATIONS[name])) if one.vrf.network == network)


def texts(of: Lane) -> list[str]:
    return [row.text for row in of.rows if row.kind is not Kind.ROUTES]


@every_situation
def test_every_leak_flow_translation_and_port_of_the_plan_is_told(facts: Facts) -> None:
    planned = plan(facts)
    hints = [row.hint for one in lanes(planned) for row in one.rows]
    told = "\n".join(hints)
    leaks = [leak for vrf in planned.vrfs for leak in vrf.leaks]
    assert sum(" learns from " in hint for hint in hints) == len(leaks)
    for leak in leaks:
        for entry in leak.entries:
            assert str(entry.prefix) in told
    for hidden in planned.translations:
        if not hidden.of_port_forwards and _passes(facts, hidden.target, hidden.version):
            assert f"seen as {hidden.address}" in told
    for forward in planned.port_forwards:
        assert f"{forward.address}:{forward.port}" in told
        assert f"leads to {forward.target}:{forward.target_port}" in told
    for flow in planned.flows:
        assert flow.port_forward or f"({flow.comment})" in told


def _passes(facts: Facts, target: int, version: int) -> bool:
    return any((flow.target, flow.version) == (target, version) for flow in plan(facts).flows)


@every_situation
def test_nothing_lies_over_anything_and_every_text_fits(facts: Facts) -> None:
    made = drawing(facts)
    boxes = [made.behind, made.home, *(box for one in made.strips for box in (one.box, one.beyond))]
    for one, other in combinations(boxes, 2):
        apart = one.right <= other.x or other.right <= one.x
        assert apart or one.bottom <= other.y or other.bottom <= one.y, (one, other)
    for box in boxes:
        assert box.x >= 0 and box.right <= made.width and box.bottom < made.note_y, box
        assert max(width(box.title, TITLE), width(box.below, SMALL)) <= box.width - 28, box
    for strip in made.strips:
        for arrow in strip.arrows:
            assert strip.box.y < arrow.top and arrow.y + 7 < strip.box.bottom
            assert made.home.right < arrow.text_x
            assert arrow.text_x + arrow.text_width < strip.box.x
    assert FRAME[0] <= made.home.x and made.note_y < made.height


@every_situation
def test_the_order_of_the_facts_does_not_matter(facts: Facts) -> None:
    turned = replace(
        facts, shared=facts.shared[::-1], externals=facts.externals[::-1], rules=facts.rules
    )
    assert drawing(turned) == drawing(facts)


def test_it_says_what_may_pass_as_whom_and_why_not() -> None:
    shared = lane("drawing-1-one-consumer", "storage-fra")
    assert "everything · as 10.128.0.100" in texts(shared)
    assert texts(lane("no-external", "storage-fra")) == ["everything · as 10.128.0.100"]
    narrowed = texts(lane("rules-narrow-a-shared-network", "storage-fra"))
    assert narrowed == ["tcp 2049,3260, icmp · as 10.128.0.100"]
    as_they_are = texts(lane("external-without-nat", "internet"))
    assert any(text.endswith("· as they are") for text in as_they_are)


def test_a_family_that_one_side_has_not_is_not_promised() -> None:
    apart = replace(
        SITUATIONS["ipv6-only"],
        shared=(Net("old", "old", 3990, (ip_network("10.128.8.0/22"),), place=9),),
    )
    of_old = next(one for one in lanes(plan(apart)) if one.vrf.network == "old")
    assert texts(of_old) == ["no address family in common"]


def test_without_a_rule_nothing_is_let_out() -> None:
    silent = replace(SITUATIONS["drawing-1-one-consumer"], rules=())
    of_internet = next(one for one in lanes(plan(silent)) if one.vrf.network == "internet")
    assert texts(of_internet) == ["IPv4: no rule lets anything out"]


def test_an_endpoint_comes_in_and_leads_to_its_machine() -> None:
    ports = [row for row in lane("endpoint", "storage-fra").rows if row.kind is Kind.PORT]
    assert [row.text for row in ports] == ["tcp 10.128.0.100:8080 to shop-web-1:80"]
    assert not ports[0].outward


def test_the_internet_is_at_the_edge_and_only_where_a_default_route_leads_there() -> None:
    edges = {one.lane.vrf.network: one.beyond for one in drawing(SITUATIONS["endpoint"]).strips}
    assert edges["internet"].title == "anywhere"
    assert edges["internet"].below == "0.0.0.0/0"
    assert edges["storage-fra"].title == "1,204 machines"
    narrow = drawing(SITUATIONS["external-only-without-default-route"])
    assert [one.beyond.title for one in narrow.strips] == ["outside"]


def test_with_many_networks_it_stays_one_that_can_be_read() -> None:
    many = tuple(
        Net(
            f"shared-{place}",
            "shared",
            4000 + place,
            (ip_network(f"10.129.{place}.0/24"),),
            (ip_address(f"10.129.{place}.9"),),
            place=place + 10,
        )
        for place in range(60)
    )
    facts = replace(SITUATIONS["no-external"], shared=many, externals=(INTERNET,))
    made = drawing(facts)
    rows = [arrow.row for strip in made.strips for arrow in strip.arrows]
    assert Kind.ROUTES not in {row.kind for row in rows}
    assert made.height < 61 * 62 + 100
