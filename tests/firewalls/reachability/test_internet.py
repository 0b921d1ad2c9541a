"""How machines get to the internet, and what is said where they do not."""

from dataclasses import replace
from ipaddress import ip_network
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewalls.configuration.routes.leaks import Entry, Leak
from firewalls.reachability import (
    AnyOf,
    Guard,
    Internet,
    Partition,
    Question,
    TheMachine,
    Verdict,
    answer,
)
from firewalls.reachability.internet import (
    Access,
    InternetAccess,
    Proxy,
    access_of,
    internet_access,
    proxy_settings,
)
from tests.firewalls.reachability.building import Scene, egress
from tests.firewalls.reachability.generated import generated
from tests.firewalls.reachability.scenes import HTTPS, SCENES, networks, two_consumers

ADDRESS = "10.128.0.200"  # of the first firewall in storage


def proxy_of(scene: Scene, machine: str = "web", port: int = 3128) -> Proxy:
    """What shop-fw has published in storage."""
    behind = scene.machines[machine]
    return Proxy(ADDRESS, port, "storage", "shop-fw", "shop-fw", behind)


def with_proxy(scene: Scene) -> Scene:
    return scene.endpoint("shop-fw", "storage", "web", ports=(3128, 3128))


def asked(scene: Scene, network: str, *proxies: Proxy) -> InternetAccess:
    return internet_access(scene.partition(), AnyOf(network), proxies)


OWN: list[tuple[str, str, str]] = [
    # scene, what leads outside, what a warning says
    ("one_consumer", "shop-fw by internet", ""),
    ("alike", "shop-fw by internet, shop-fw-2 by internet", ""),
    ("unlike", "shop-fw by internet, shop-fw-2 by internet", ""),
    ("unlike_outside", "shop-fw by internet", ""),
    ("rules_outside", "shop-fw by internet", ""),
    ("no_rules", "shop-fw by internet", "No egress rule of shop-fw lets tcp"),
    ("alike_with_other_rules", "shop-fw by internet, shop-fw-2 by internet", ""),
    ("dual_consumer", "shop-fw by internet", "leads to the internet by IPv6"),
    ("dual_outside", "shop-fw by internet, shop-fw by six", "knows the way back"),
    ("cannot_hide", "shop-fw by half", "no IPv6 address in half to hide machines behind"),
    ("pending", "shop-fw by internet", "runs an older configuration until it is pushed"),
]


@pytest.mark.parametrize(("scene", "ways", "warning"), OWN, ids=lambda text: text[:24])
def test_by_firewalls_of_their_own(scene: str, ways: str, warning: str) -> None:
    found = asked(SCENES[scene](), "shop")
    assert found.access is Access.OWN_FIREWALL
    assert ", ".join(f"{one.name} by {one.network}" for one in found.ways) == ways
    assert bool(found.warnings) == bool(warning)
    assert any(warning in one for one in found.warnings) or not warning


def test_what_is_shown_and_let_out_is_said_of_each_way() -> None:
    (way,) = asked(SCENES["one_consumer"](), "shop").ways
    assert [str(ip) for ip in way.addresses] == ["203.0.113.200"]
    assert way.passes == ("tcp 443 to 0.0.0.0/0: a rule",)
    four, six = asked(SCENES["dual_outside"](), "shop").ways
    assert (four.versions, six.versions) == ((4,), (6,))
    assert six.addresses == ()  # nothing is translated there


NONE = ["no_external", "nothing_joined", "mpls", "chain", "unlike_without_outside", "never_pushed"]


@pytest.mark.parametrize("scene", NONE)
def test_without_a_default_route_outside_there_is_none(scene: str) -> None:
    found = asked(SCENES[scene](), "shop")
    assert found.access is Access.NONE and found.warnings
    actions = [one.action for one in found.remedies]
    assert actions[-1] == "proxy" and {"join", "push"} & {*actions}


def test_a_shared_network_without_a_firewall_does_not_use_those_of_its_consumers() -> None:
    found = asked(two_consumers(), "storage")
    assert found.access is Access.NONE
    assert found.warnings == ("storage has no firewall, so its machines reach each other alone.",)
    assert [one.action for one in found.remedies] == ["firewall", "publish", "proxy"]


def test_its_own_firewall_is_the_way_of_a_shared_network() -> None:
    scene = SCENES["own_firewall"]()
    found = asked(scene, "storage")
    assert (found.access, found.warnings) == (Access.OWN_FIREWALL, ())
    assert [one.name for one in found.ways] == ["storage-fw"]


def test_a_firewall_of_others_that_led_outside_would_be_told() -> None:
    """Planning never has it so; the answer does not rely on that."""
    partition = SCENES["own_firewall"]().partition()
    vrfs = {one.network: one for one in partition.guards[0].vrfs.values()}
    here, there = vrfs["storage"].number, vrfs["internet"].number
    entry = Entry(100_000, True, ip_network("0.0.0.0/0"), None)
    leak = Leak(here, there, 4, private=False, no_export=False, entries=(entry,), sequence=9)
    guard = _with_leak(partition.guards[0], leak)
    spoiled = replace(partition, guards=(guard, *partition.guards[1:]))
    warnings = internet_access(spoiled, AnyOf("storage")).warnings
    assert warnings == (
        "shop-fw lets nothing from storage into internet.",
        "shop-fw draws what storage sends outside as well, though it guards shop.",
    )


def _with_leak(guard: Guard, leak: Leak) -> Guard:
    assert guard.plan is not None
    vrfs = [
        replace(one, leaks=(*one.leaks, leak)) if one.number == leak.target else one
        for one in guard.plan.vrfs
    ]
    return replace(guard, plan=replace(guard.plan, vrfs=tuple(vrfs)))


class TestProxies:
    def test_a_shared_networks_machines_use_what_a_consumer_has_published(self) -> None:
        scene = with_proxy(two_consumers())
        found = asked(scene, "storage", proxy_of(scene))
        assert (found.access, found.warnings) == (Access.HTTP_PROXY, ())
        (one,) = found.proxies
        assert (one.verdict, one.proxy.url) == (Verdict.REACHABLE, f"http://{ADDRESS}:3128")
        assert found.direct == (ip_network("10.128.0.0/22"),)

    def test_another_consumer_without_a_way_of_its_own_uses_it_too(self) -> None:
        scene = with_proxy(two_consumers())
        found = asked(scene, "pay", proxy_of(scene))
        assert (found.access, found.proxies[0].verdict) == (Access.HTTP_PROXY, Verdict.REACHABLE)
        assert [str(one) for one in found.direct] == ["10.128.0.0/22", "10.128.68.0/22"]

    def test_its_own_firewall_comes_before_any_proxy(self) -> None:
        scene = with_proxy(two_consumers())
        found = asked(scene, "shop", proxy_of(scene))
        assert found.access is Access.OWN_FIREWALL and not found.proxies

    def test_one_that_nobody_there_comes_to_does_not_count(self) -> None:
        scene = with_proxy(two_consumers())
        assert asked(scene, "lab", proxy_of(scene)).access is Access.NONE

    def test_one_of_another_family_does_not_count(self) -> None:
        scene = SCENES["dual_consumer"]()
        four = Proxy("10.128.0.200", 3128, "storage", "shop-fw", "shop-fw", scene.machines["web"])
        assert asked(scene, "cold", replace(four, network="cold")).access is Access.NONE

    def test_one_that_does_not_get_there_itself_is_warned_of(self) -> None:
        scene = with_proxy(networks().firewall("shop-fw", "shop", "storage"))
        (warning,) = asked(scene, "storage", proxy_of(scene)).warnings
        assert "The proxy on web has no way to the internet itself: shop-fw has joined" in warning

    def test_what_is_in_its_way_is_warned_of(self) -> None:
        narrow = egress("2049", to=("10.128.0.8/29",))
        scene = with_proxy(
            networks()
            .firewall("shop-fw", "shop", "storage", "internet", rules=(HTTPS,))
            .firewall("pay-fw", "pay", "storage", rules=(narrow,))
        )
        found = asked(scene, "pay", proxy_of(scene))
        assert found.proxies[0].verdict is Verdict.UNREACHABLE
        assert "The egress rules of pay-fw name parts of storage" in found.warnings[0]

    def test_one_that_is_not_pushed_yet_is_warned_of(self) -> None:
        scene = with_proxy(two_consumers())
        scene.states["shop-fw"] = {"state": "pending"}
        found = asked(scene, "storage", proxy_of(scene))
        assert found.warnings == ("shop-fw runs an older configuration until it is pushed.",)

    def test_what_answers_comes_first_and_among_it_what_was_named(self) -> None:
        scene = with_proxy(two_consumers())
        named = Proxy(str(scene.machines["disk"].addresses[0]), 8080)
        lost = Proxy("192.0.2.7", 8080)
        found = asked(scene, "storage", lost, proxy_of(scene), named)
        assert [one.proxy for one in found.proxies] == [named, proxy_of(scene), lost]
        assert found.warnings == ()

    def test_a_named_address_that_nothing_leads_to_is_warned_of(self) -> None:
        found = asked(two_consumers(), "storage", Proxy("192.0.2.7", 8080))
        assert found.access is Access.HTTP_PROXY
        assert "storage has no firewall" in found.warnings[0]

    def test_of_a_name_nothing_is_claimed(self) -> None:
        found = asked(two_consumers(), "storage", Proxy("proxy.example.org", 8080))
        assert (found.access, found.proxies[0].verdict) == (Access.HTTP_PROXY, Verdict.UNKNOWN)
        assert "proxy.example.org" in found.assumptions[0]


def test_of_which_families_what_leads_where_decides() -> None:
    assert access_of({4}, {6}, {6}) is Access.NONE
    assert access_of({4, 6}, {6}, {4}) is Access.OWN_FIREWALL
    assert access_of({4, 6}, (), {4}) is Access.HTTP_PROXY


def test_the_lines_to_copy() -> None:
    environment, apt, containerd = proxy_settings(
        Proxy("2001:db8:1::200", 3128).url, [ip_network("2001:db8:1::/64")]
    )
    assert environment.text == (
        "http_proxy=http://[2001:db8:1::200]:3128\n"
        "https_proxy=http://[2001:db8:1::200]:3128\n"
        "no_proxy=localhost,127.0.0.1,::1,2001:db8:1::/64\n"
    )
    assert apt.text == (
        'Acquire::http::Proxy "http://[2001:db8:1::200]:3128";\n'
        'Acquire::https::Proxy "http://[2001:db8:1::200]:3128";\n'
    )
    assert containerd.text == (
        "[Service]\n"
        'Environment="HTTP_PROXY=http://[2001:db8:1::200]:3128"\n'
        'Environment="HTTPS_PROXY=http://[2001:db8:1::200]:3128"\n'
        'Environment="NO_PROXY=localhost,127.0.0.1,::1,2001:db8:1::/64"\n'
    )


@given(st.integers(0, 10**9))
def test_it_says_what_reachability_says(seed: int) -> None:
    """Whoever reaches the internet has a firewall for it, and who has none reaches nothing."""
    made = generated(Random(seed))
    for machine in made.machines:
        found = internet_access(made.partition, TheMachine(machine))
        reached = answer(made.partition, Question(TheMachine(machine), Internet()))
        verdicts = {one.verdict for one in reached.families}
        if found.access is Access.NONE:
            assert verdicts <= {Verdict.UNREACHABLE}, machine.name
        elif not found.warnings:
            assert Verdict.UNREACHABLE not in verdicts, machine.name
        if verdicts == {Verdict.REACHABLE}:
            assert found.access is Access.OWN_FIREWALL, machine.name


@given(st.integers(0, 10**9))
def test_all_that_arrives_outside_has_taken_a_firewall_that_is_named(seed: int) -> None:
    made = generated(Random(seed))
    for machine in made.machines:
        found = internet_access(made.partition, TheMachine(machine))
        named = {one.name for one in found.ways}
        assert _passed(made.partition, machine.network) <= named


def _passed(partition: Partition, network: str) -> set[str]:
    """The firewalls that a path from there to the internet shows."""
    reached = answer(partition, Question(AnyOf(network), Internet(), 443))
    arrived = [one for one in reached.families if one.return_path]
    return {hop.name for one in arrived for hop in one.path if hop.kind == "firewall"}
