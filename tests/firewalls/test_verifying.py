"""What is verified of a firewall, each thing by a fault in the answers of a real one."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firewalls.device.applier import box, rules, tools
from firewalls.device.applier.verifying import (
    daemons,
    interfaces,
    neighbours,
    others_rules,
    own_rules,
    routes,
    routing,
    settings,
    subjects,
    units,
    vnis,
)
from firewalls.device.applier.verifying.seeing import Wanted
from tests.firewalls import recorded_box
from tests.firewalls.recorded_box import Answers, link, replaced, without

DOCKER = """# Warning: table ip filter is managed by iptables-nft, do not touch!
table ip filter {
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
	}
}
"""
BANS = """table inet f2b {
	chain banned {
		type filter hook input priority filter - 1; policy accept;
		ip saddr 192.0.2.7 jump refuse
		ip saddr 192.0.2.8 goto refuse
	}

	chain refuse {
		reject
	}

	chain kept {
		type filter hook forward priority filter; policy accept;
		accept comment "no drop here"
	}
}
"""
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
Look = Callable[[], dict[str, list[str]]]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Answers:
    """The firewall's answers, which are those of one in sync."""
    given = Answers()
    monkeypatch.setattr(tools, "run", lambda words, **_: tools.Result(0, given.to(words)))
    monkeypatch.setattr(box, "ROOT", str(tmp_path))
    recorded_box.in_kernel(tmp_path)
    return given


@pytest.fixture
def look(answers: Answers) -> Look:
    """What is otherwise now, by subject."""
    ours = rules.of(rules.listed(), ["inet metal", "inet nat"])
    exactly = answers.texts["running.txt"]
    wanted = Wanted(str(recorded_box.RECORDED / "files"), exactly=exactly, rules=ours)

    def now() -> dict[str, list[str]]:
        found = subjects.Look(wanted, subjects.ALL, 0).found
        return {name: [one.sentence for one in lacking] for name, lacking in found.items()}

    return now


def only(name: str, *sentences: str) -> dict[str, list[str]]:
    """This is otherwise, and nothing else."""
    return {one: [] for one, _ in subjects.ALL} | {name: list(sentences)}


def test_of_a_firewall_in_sync_nothing_is_otherwise(look: Look) -> None:
    assert look() == only(routes.NAME)


def set_in(*keys: str, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(value: dict[str, Any]) -> None:
        for key in keys[:-1]:
            value = value[key]
        value[keys[-1]] = to

    return change


def _hopless(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A route that somebody has replaced."""
    entry = next(one for one in entries if one["dst"] == "10.4.0.2")
    entry.pop("nexthops")
    entry["type"] = "7"
    return entries


def _one_hop(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    entry = next(one for one in entries if one["dst"] == "10.4.0.2")
    entry["nexthops"][0]["flags"] = ["dead", "linkdown"]
    return entries


def _without_route(dst: str, table: str) -> recorded_box.Edit:
    return lambda entries: [
        one for one in entries if (one["dst"], one.get("table", "254")) != (dst, table)
    ]


def _vni(number: int, **fields: str) -> recorded_box.Edit:
    def edit(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        next(one for one in entries if one["vni"] == number).update(fields)
        return entries

    return edit


FAULTS: dict[str, tuple[str, recorded_box.Edit, str, list[str]]] = {
    "a device is missing": (
        "address.json",
        without("vni4"),
        interfaces.NAME,
        ["vni4 is missing"],
    ),
    "an uplink is missing": (
        "address.json",
        without("lan1"),
        interfaces.ABSENT,
        ["lan1 is not there, though the configuration counts on it"],
    ),
    "another kind": (
        "address.json",
        link("vni4", set_in("linkinfo", "info_kind", to="dummy")),
        interfaces.NAME,
        ["vni4 kind is dummy, not vxlan"],
    ),
    "another MTU": (
        "address.json",
        link("vni4", set_in("mtu", to=1400)),
        interfaces.NAME,
        ["vni4 MTU is 1400, not 9000"],
    ),
    "an uplink's MTU": (
        "address.json",
        link("lan0", set_in("mtu", to=1500)),
        interfaces.NAME,
        ["lan0 MTU is 1500, not 9216"],
    ),
    "another VNI": (
        "address.json",
        link("vni4", set_in("linkinfo", "info_data", "id", to=5)),
        interfaces.NAME,
        ["vni4 VNI is 5, not 4"],
    ),
    "another local address": (
        "address.json",
        link("vni4", set_in("linkinfo", "info_data", "local", to="10.4.0.9")),
        interfaces.NAME,
        ["vni4 local address is 10.4.0.9, not 10.4.0.1"],
    ),
    "learning": (
        "address.json",
        link("vni4", set_in("linkinfo", "info_slave_data", "learning", to=True)),
        interfaces.NAME,
        ["vni4 learning as a port is yes, not no"],
    ),
    "another table": (
        "address.json",
        link("vrf4", set_in("linkinfo", "info_data", "table", to=1000)),
        interfaces.NAME,
        ["vrf4 table is 1000, not 1000004"],
    ),
    "no VRF": (
        "address.json",
        link("vlan4", lambda one: one.pop("master")),
        interfaces.NAME,
        ["vlan4 master is none, not vrf4"],
    ),
    "down": (
        "address.json",
        link("vlan4", set_in("flags", to=["BROADCAST"])),
        interfaces.NAME,
        ["vlan4 state is down, not up"],
    ),
    "addresses": (
        "address.json",
        link(
            "vlan4",
            lambda one: one["addr_info"][0].update(local="10.128.3.9"),
        ),
        interfaces.NAME,
        ["vlan4 does not have 10.128.3.1/32", "vlan4 also has 10.128.3.9/32"],
    ),
    "an address of the loopback": (
        "address.json",
        link("lo", lambda one: one["addr_info"].pop(1)),
        interfaces.NAME,
        ["lo does not have 10.4.0.1/32"],
    ),
    "a table's end": (
        "routes.json",
        lambda entries: [
            one
            for one in entries
            if not (one.get("table") == "1000004" and one.get("type") == "7" and "pref" in one)
        ],
        interfaces.NAME,
        ["There is no route unreachable ::/0 in table 1000004"],
    ),
    "a route with two next hops": (
        "routes.json",
        _without_route("10.4.0.2", "254"),
        routes.NAME,
        ["FRR's route to 10.4.0.2/32 in table 254 is missing in the kernel"],
    ),
    "one of two next hops": (
        "routes.json",
        _one_hop,
        routes.NAME,
        [
            "10.4.0.2/32 in table 254 is 169.254.0.1 dev lan0, not "
            "169.254.0.1 dev lan0, 169.254.0.1 dev lan1"
        ],
    ),
    "a dead end": (
        "routes.json",
        _hopless,
        routes.NAME,
        ["10.4.0.2/32 in table 254 is nowhere, not 169.254.0.1 dev lan0, 169.254.0.1 dev lan1"],
    ),
    "a route of IPv6": (
        "routes.json",
        _without_route("2001:db8:128:1::4", "1000001"),
        routes.NAME,
        ["FRR's route to 2001:db8:128:1::4/128 in table 1000001 is missing in the kernel"],
    ),
    "an unknown VNI": (
        "vnis.json",
        lambda entries: [one for one in entries if one["vni"] != 4],
        vnis.NAME,
        ["FRR does not know the VNI 4, so nothing reaches vrf4"],
    ),
    "a VNI that is down": (
        "vnis.json",
        _vni(4, state="Down", sviIntf="None"),
        vnis.NAME,
        ["VNI 4 state is Down, not Up", "VNI 4 SVI is None, not vlan4"],
    ),
    "a VNI of layer 2": (
        "vnis.json",
        _vni(4, type="L2"),
        vnis.NAME,
        ["VNI 4 type is L2, not L3"],
    ),
    "no BGP": (
        "daemons.txt",
        replaced(" bgpd", ""),
        daemons.NAME,
        ["bgpd does not run, or FRR's shell cannot ask it"],
    ),
    "a line of FRR": (
        "running.txt",
        replaced(" vni 4\n", ""),
        routing.NAME,
        ["FRR has not taken this: vrf vrf4 / vni 4"],
    ),
    "another line of FRR": (
        "running.txt",
        replaced("\nend\n", "\nip route 192.0.2.0/24 Null0\nend\n"),
        routing.NAME,
        ["FRR also runs this: ip route 192.0.2.0/24 Null0"],
    ),
    "a rule": (
        "rules.txt",
        replaced('iifname "lo" counter accept', 'iifname "lo" accept'),
        own_rules.NAME,
        [own_rules.OTHERS],
    ),
    "a policy of others": (
        "rules.txt",
        lambda text: text + DOCKER,
        others_rules.NAME,
        [
            "table ip filter, chain FORWARD (hook forward): drops what it does not accept, "
            "perhaps also what we accept"
        ],
    ),
    "rules of others": (
        "rules.txt",
        lambda text: BANS + text,
        others_rules.NAME,
        [
            "table inet f2b, chain banned (hook input): drops or rejects by rule, "
            "perhaps also what we accept"
        ],
    ),
    "a neighbour": (
        "neighbours.json",
        lambda entries: [
            one for one in entries if (one["dst"], one["dev"]) != ("10.4.255.12", "vlan4")
        ],
        neighbours.NAME,
        ["10.4.255.12 dev vlan4 has no neighbour entry, so packets to it go nowhere"],
    ),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_found_where_it_is_and_nowhere_else(
    answers: Answers, look: Look, kind: str
) -> None:
    name, edit, subject, sentences = FAULTS[kind]
    answers.edit(name, edit)
    assert look() == only(subject, *sentences)


def test_a_setting_of_the_kernel_is_compared(look: Look, tmp_path: Path) -> None:
    (tmp_path / "proc/sys/net/ipv4/ip_forward").write_text("0\n")
    (tmp_path / "proc/sys/net/ipv4/fib_multipath_hash_policy").unlink()
    assert look() == only(
        settings.NAME,
        "net.ipv4.ip_forward is 0, not 1",
        "net.ipv4.fib_multipath_hash_policy is unknown, not 1",
    )


def test_frr_10_calls_the_vrf_of_a_vni_otherwise(answers: Answers, look: Look) -> None:
    def renamed(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {"tenantVrf" if key == "vrf" else key: value for key, value in one.items()}
            for one in entries
        ]

    answers.edit("vnis.json", renamed)
    assert not any(look().values())
    answers.edit("vnis.json", _vni(4, tenantVrf="vrf1"))
    assert look()[vnis.NAME] == ["VNI 4 VRF is vrf1, not vrf4"]


def test_frr_10_needs_mgmtd_too() -> None:
    assert daemons.needed("frr version 10.3\nfrr defaults datacenter\n") == (
        "zebra",
        "bgpd",
        "mgmtd",
    )
    assert daemons.needed("frr version 8.4.4\n") == ("zebra", "bgpd")


def test_a_route_that_leads_over_another_is_known_by_where_it_leads(
    answers: Answers, look: Look
) -> None:
    """FRR tells the next hop that it was given, and below it the one that the kernel gets."""

    def recursive(documents: list[Any]) -> list[Any]:
        (route,) = documents[0]["10.4.255.11/32"]
        far = {"ip": "10.9.9.9", "active": True, "recursive": True}
        route["nexthops"] = [far, *route["nexthops"]]
        return documents

    answers.edit("ip-routes.json", recursive)
    assert look() == only(routes.NAME)


def test_a_route_that_frr_has_not_selected_need_not_be_there(answers: Answers, look: Look) -> None:
    def another(documents: list[Any]) -> list[Any]:
        documents[0]["192.0.2.0/24"] = [
            {"prefix": "192.0.2.0/24", "protocol": "bgp", "table": 254, "nexthops": []}
        ]
        return documents

    answers.edit("ip-routes.json", another)
    assert look() == only(routes.NAME)


# What units say that the kernel does not tell of a device, or that says where the rest belongs.
NOT_LOOKED_AT = {
    "Match Name",
    "NetDev Name",
    "NetDev Kind",
    "Network Address",  # these four are looked at by themselves
    "Address Address",
    "Network VLAN",
    "Route Type",
    "Route Destination",
    "Route Table",
    "Route Metric",
    "Address DuplicateAddressDetection",
    "Network ConfigureWithoutCarrier",
    "Network LinkLocalAddressing",
    "Network IPv6AcceptRA",
    "Network KeepConfiguration",
    "VXLAN Independent",
    # Of a bridge with VLANs the kernel tells them only when asked by a program of its own.
    "BridgeVLAN VLAN",
    "BridgeVLAN PVID",
    "BridgeVLAN EgressUntagged",
}


def test_every_key_that_a_unit_may_have_is_looked_at_or_there_is_a_reason() -> None:
    texts = [text for path, text in recorded_box.FILES.items() if "/network/" in path]
    for path in GOLDEN.glob("*/others.txt"):
        parts = re.split("^==> (.*) <==$", path.read_text(), flags=re.MULTILINE)[1:]
        named = zip(parts[::2], parts[1::2], strict=True)
        texts += [text for name, text in named if "/network/" in name]
    keys = {
        f"{section} {key}"
        for text in texts
        for section, fields in units._sections(text)
        for key in fields
    }
    assert len(texts) > 100 and keys - set(units.LOOKED_AT) <= NOT_LOOKED_AT
