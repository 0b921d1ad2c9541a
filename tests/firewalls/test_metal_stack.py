"""Firewalls as metal-stack renders them are read whole, and our audit finds what they leak.

The situations are our own, in that spelling: tests/reader/metal_stack/situations.
"""

import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random

import pytest

from firewalls.configuration.plan import Facts, Net, plan
from firewalls.reachability import Guard, Network, Partition
from firewalls.reachability.auditing import audit
from firewalls.reachability.filtering import matches
from firewalls.reachability.values import EXTERNAL, PRIVATE, Packet
from tests.firewalls.situations import SITUATIONS
from tests.reader import frr, metal_stack, nft
from tests.reader.metal_stack import routes
from tests.reader.metal_stack.flows import Way, ways
from tests.reader.metal_stack.judging import Box, openings, strange_flows, strange_imports
from tests.reader.metal_stack.reading import Reading, read
from tests.reader.metal_stack.report import report

HERE = Path(metal_stack.__file__).parent / "situations"
GOLDEN = Path(__file__).parent.parent / "golden"
ROUTES, FACTS, RULES, CONTROLLER = "frr.conf", "install.yaml", "nftrules", "controller.nft"
NAMES = sorted(folder.name for folder in HERE.iterdir())
Texts = dict[str, str]


def texts(situation: str) -> Texts:
    return {path.name: path.read_text() for path in (HERE / situation).iterdir()}


def reading(files: Texts) -> Reading:
    rules = {name: files[name] for name in (RULES, CONTROLLER) if name in files}
    return read((ROUTES, files[ROUTES]), rules, (FACTS, files[FACTS]))


def changed(situation: str, file: str, before: str, after: str) -> Reading:
    """Its files with one text in place of another, which must be there."""
    files = texts(situation)
    assert before in files[file]
    return reading({**files, file: files[file].replace(before, after)})


def named(found: Reading) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """The lines that were not read, and those that are not judged."""
    list(report(found))
    unread = [line for account in found.accounts for line in account.unread]
    unjudged = [line for account in found.accounts for line in account.unjudged]
    return [(one.file, one.number) for one in unread], [(one.file, one.number) for one in unjudged]


def exposed(found: Reading) -> set[tuple[str, str, str]]:
    return {(one.network, str(one.prefix), one.owner) for one in found.audit.exposures}


def leaks(found: Reading) -> set[tuple[str, str, str]]:
    return {(one.source.id, one.target.id, one.kind) for one in found.audit.leaks}


@pytest.mark.parametrize("situation", NAMES)
def test_situations_are_read_whole(situation: str) -> None:
    unread, unjudged = named(reading(texts(situation)))
    spared = (CONTROLLER, 55)  # DNS is not translated: no translation of ours can say that
    assert (unread, unjudged) == ([], [spared] if situation == "dual-stack" else [])


def test_a_consumers_private_prefix_is_announced_into_the_shared_network() -> None:
    found = reading(texts("consumer"))
    assert exposed(found) == {("files", "172.20.8.0/23", "booking")}
    assert leaks(found) == {
        ("booking", "files", "not_hidden"),
        ("files", "booking", "opened_backwards"),
    }


def test_it_is_so_in_each_family_and_with_the_table_of_firewall_controller() -> None:
    found = reading(texts("dual-stack"))
    assert exposed(found) == {
        ("files", "172.20.16.0/23", "crew"),
        ("files", "2001:db8:16::/64", "crew"),
    }
    assert leaks(found) == {("files", "crew", "opened_backwards")}
    shown = {str(via.shown) for one in found.audit.connections for via in one.via if via.shown}
    assert shown == {"172.20.40.78"}


def test_a_shared_network_with_a_default_route_is_let_outside() -> None:
    found = reading(texts("dmz"))
    assert exposed(found) == {("gate", "172.20.24.0/23", "kiosk"), ("gate", "0.0.0.0/0", "")}
    assert set(found.beyond_the_audit()) == {
        "gate learns 0.0.0.0/0 from outside",
        "outside learns 172.20.48.0/23 from gate",
        "gate opens connections to outside: web",
        "gate: the firewall answers DNS over TCP (tcp 53)",
        "kiosk: the firewall answers DNS over TCP (tcp 53)",
    }


def test_the_firewall_of_a_shared_network_tells_it_nothing_private() -> None:
    found = reading(texts("owner"))
    assert (exposed(found), leaks(found), list(found.beyond_the_audit())) == (set(), set(), [])


def test_whom_the_firewall_itself_answers_is_found() -> None:
    found = reading(texts("consumer"))
    assert list(found.beyond_the_audit()) == [
        "booking: the firewall answers SSH (tcp 22)",
        "files: the firewall answers SSH (tcp 22)",
        "files: the firewall answers node metrics (tcp 9100)",
        "outside: the firewall answers SSH (tcp 22)",
        "partner: the firewall answers SSH (tcp 22)",
    ]


def network(net: Net, kind: str = PRIVATE, *, shared: bool = False) -> Network:
    return Network(
        net.id, kind, net.vrf, net.prefixes, net.id, shared, net.destination_prefixes, net.nat
    )


def networks_of(facts: Facts) -> dict[str, Network]:
    found = [network(facts.primary)]
    found += [network(net, shared=True) for net in facts.shared]
    found += [network(net, EXTERNAL) for net in facts.externals]
    return {one.id: one for one in found}


def ours(situation: str, text: str = "") -> tuple[Partition, Box]:
    """One of ours: routes, and whom it answers, as its golden files say; flows as planned."""
    facts, folder = SITUATIONS[situation], GOLDEN / situation
    planned, nets = plan(facts), (facts.primary, *facts.shared, *facts.externals)
    routing = frr.read(text or (folder / "frr.conf").read_text())
    networks, addresses = networks_of(facts), {net.id: net.addresses for net in nets}
    vrfs = routes.vrfs(routing, networks, addresses, facts.primary.id)
    guard = Guard("fw", "fw", facts.primary.id, replace(planned, vrfs=vrfs))
    rules = nft.read((folder / "nftables.conf").read_text())
    return Partition(networks, (guard,)), Box(networks, facts.primary.id, vrfs, rules, "bridge")


@pytest.mark.parametrize("situation", SITUATIONS)
def test_nothing_of_the_kind_is_in_ours(situation: str) -> None:
    partition, box = ours(situation)
    found, plan_ = audit(partition), partition.guards[0].plan
    assert plan_
    assert len(box.vrfs) == len(partition.networks)
    assert (found.exposures, found.leaks) == ((), [])
    assert [*strange_imports(box), *strange_flows(box, plan_.flows), *openings(box)] == []


def test_ours_without_no_export_would_be_found() -> None:
    text = (GOLDEN / "drawing-1-one-consumer" / "frr.conf").read_text()
    assert " set community no-export additive\n" in text
    partition, _ = ours(
        "drawing-1-one-consumer", text.replace(" set community no-export additive\n", "")
    )
    facts = SITUATIONS["drawing-1-one-consumer"]
    told = {(one.network, one.owner) for one in audit(partition).exposures}
    assert told == {(net.id, facts.primary.id) for net in (*facts.shared, *facts.externals)}


PACKETS = 300  # of each way; there are some thousands


def packets(found: Reading, way: Way) -> list[Packet]:
    """Some of those from and to the edges of what is named anywhere."""
    flows, nets = found.plan.flows, found.install.networks.values()
    named = {cidr for flow in flows for cidr in (*flow.sources, *flow.destinations)}
    named |= {cidr for one in nets for cidr in one.prefixes}
    ends = {end for cidr in named for end in (cidr[0], cidr[-1]) if cidr.version == way.version}
    services = {(flow.protocol, port.last) for flow in flows for port in flow.ports}
    every = [
        Packet(*pair, *service)
        for pair in product(sorted(ends), sorted(ends))
        for service in sorted({*services, ("tcp", 80)})
    ]
    return Random(0).sample(every, min(len(every), PACKETS))


@pytest.mark.parametrize("situation", ["consumer", "dual-stack", "dmz", "owner"])
def test_the_flows_are_what_the_rules_do_with_packets(situation: str) -> None:
    found = reading(texts(situation))
    for way in ways(found.plan.vrfs):
        ends = way.source, way.target, way.version
        flows = [one for one in found.plan.flows if (one.source, one.target, one.version) == ends]
        devices = f"vrf{way.source}", f"vlan{way.target}"
        for packet in packets(found, way):
            what = packet.source, packet.destination, packet.protocol, packet.port or 0
            accepted = found.rules.verdict("forward", nft.Packet(*what, *devices)) == "accept"
            assert accepted == any(matches(flow, packet) for flow in flows), (way, packet)


STRANGERS = [
    (ROUTES, " vni 2101\n", " vni 2101\n ip route 0.0.0.0/0 blackhole\n"),
    (ROUTES, " vni 2150\n", " vni of-another-kind\n"),
    (ROUTES, "  advertise ipv6 unicast\n", "  route-target import 1:2101\n"),
    (ROUTES, "seq 100 permit 172.20.8.0/23 le 32", "seq 100 permit fd00::/8 le 32"),
    (ROUTES, "line vty\n", "line console\n"),
    (RULES, "    chain refuse {\n", "    flowtable fast {\n"),
    (RULES, 'iifname "lo" counter accept', 'iiftype "lo" counter accept'),
    (RULES, "tcp dport { 8443 } counter", "tcp dport { 8443 } queue num 1 counter"),
    (RULES, "udp dport 4789 counter accept", "udp dport vxlan counter accept"),
    (RULES, "ip saddr 192.0.2.192/26 tcp", "ip saddr @partners tcp"),
    (RULES, "ip saddr 192.0.2.192/26 tcp", "ip saddr 2001:db8::/64 tcp"),
    (RULES, "limit rate 2/minute counter log", "limit rate often counter log"),
    (RULES, "hook forward priority 0", "hook forward priority 0 flags offload"),
    (RULES, "chain refuse {", "chain reject {"),
    (FACTS, "sshpublickey:", "sshpublickeys:"),
    (FACTS, "    nat: false\n", "    natt: false\n"),
    (FACTS, "networktype: external\n", "networktype: leased\n"),
    (FACTS, "networks:\n", "networks:\n\t"),
]


@pytest.mark.parametrize(("file", "before", "after"), STRANGERS)
def test_each_line_that_is_not_known_is_named(file: str, before: str, after: str) -> None:
    unread, _ = named(changed("consumer", file, before, after))
    assert {name for name, _ in unread} == {file}


def test_a_line_is_named_with_its_number_and_all_others_are_read() -> None:
    found = changed("consumer", RULES, '"no bgp"', '"no bgp"\n        tcp flags syn accept')
    assert named(found)[0] == [(RULES, 24)]
    lines = list(report(found))
    assert "nftrules: 51 of 52 lines read" in lines
    assert any("nftrules:24: tcp flags syn accept" in line for line in lines)


OUTWARD = 'oifname "vlan9001" ip saddr'
UNJUDGED = [
    (RULES, "# what may leave", 'iifname "vrf2150" drop'),
    (RULES, "# what may leave", 'tcp sport 123 accept comment "time"'),
    (RULES, "# what may leave", 'iifname "vrf2150" jump input'),
    (RULES, OUTWARD, 'oifname "vlan9001" ip saddr 172.20.8.0/24 snat 198.51.100.6\n' + OUTWARD),
    (RULES, "ip saddr 172.20.8.0/23 counter", "ip saddr 172.20.8.0/23 tcp dport 80 counter"),
    (RULES, 'oifname "vlan9001" ip saddr', 'oifname { "vlan9001", "vlan9002" } ip saddr'),
    (
        RULES,
        "hook prerouting priority 0; policy accept;",
        "hook prerouting priority 0; policy accept;\n        tcp dport 8080 dnat ip to 172.20.8.20",
    ),
    (FACTS, "prefixes: [172.20.40.0/23]", "prefixes: [172.20.9.0/24]"),
    (FACTS, "prefixes: [172.20.40.0/23]", "prefixes: [172.20.41.0/23]"),
]


@pytest.mark.parametrize(("file", "before", "after"), UNJUDGED)
def test_what_our_values_cannot_say_is_named_too(file: str, before: str, after: str) -> None:
    unread, unjudged = named(changed("consumer", file, before, after))
    assert unread == []
    assert {name for name, _ in unjudged} == {file}


def test_what_a_vrf_does_not_advertise_is_announced_to_nobody() -> None:
    found = changed("consumer", ROUTES, "  advertise ipv4 unicast\n", "")
    assert exposed(found) == set()


def test_without_a_route_map_everything_that_the_source_has_comes_in() -> None:
    found = changed("consumer", ROUTES, "  import vrf route-map vrf2150-import-map\n", "")
    assert exposed(found) == {("files", "172.20.8.0/23", "booking")}


def test_the_first_clause_that_matches_counts() -> None:
    """So a prefix that an earlier one takes with no-export is told to nobody."""
    clause = "route-map vrf2150-import-map permit 10\n match source-vrf vrf2101\n"
    earlier = clause.replace("10", "5", 1) + " set community additive no-export\n"
    assert exposed(changed("consumer", ROUTES, clause, earlier + clause)) == set()


def test_prefixes_inside_one_that_are_long_enough_count() -> None:
    found = changed(
        "consumer", ROUTES, "100 permit 172.20.8.0/23 le", "100 permit 172.16.0.0/12 ge 24 le"
    )
    assert ("files", "172.16.0.0/12", "booking") in exposed(found)


def test_a_firewall_without_rules_is_said_to_be_judged_by_its_routes_alone() -> None:
    files = texts("consumer")
    del files[RULES]
    lines = list(report(reading(files)))
    assert "no rules: nothing is said of what passes, nor of what the firewall answers" in lines
    assert "found: booking-fw announces 172.20.8.0/23 of booking into files" in lines


def test_the_command_prints_what_was_read_and_what_is_found() -> None:
    paths = [str(HERE / "consumer" / name) for name in (ROUTES, RULES, FACTS)]
    command = [sys.executable, "-m", "tests.reader.metal_stack", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == list(report(reading(texts("consumer"))))
