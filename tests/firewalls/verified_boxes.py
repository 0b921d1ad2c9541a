"""Boxes that answer as a firewall of the lab did, and what a push and a look make of faults."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.firewalls import recorded_box
from tests.firewalls.broken_boxes import BOX, SESSION, Box, How
from tests.firewalls.exits_in_the_way import with_probe
from tests.firewalls.recorded_box import FILES, OF_FRR, OF_IP, RULES, Answers, link, replaced
from tests.firewalls.test_verifying import BANS, DOCKER

Happening = Callable[[Box], None]
HERE = "$APPLIER_ROOT/answers"
HEALED = "$APPLIER_ROOT/healed"
DEVICES = "bridge " + " ".join(
    f"{kind}{vrf}" for vrf in (1, 4, 104009) for kind in ("vlan", "vni", "vrf")
)
CONFIGURED = f'for one in {DEVICES}; do echo " 7 $one x carrier configured"; done'
FRR = "".join(f'"{question}") cat "{HERE}/{name}" ;; ' for question, name in OF_FRR.items())
IP = "".join(f'*" {word} "*) cat "{HERE}/{name}" ;; ' for word, name in OF_IP.items())
HEALING = f'*-batch*) for last; do :; done; cat "$last" >>"{HERE}/batch"; cp "{HEALED}"/* "{HERE}"'
TOOLS = {
    "vtysh": f'for asked; do case "$asked" in {FRR} *neighbors*) {SESSION} ;; esac; done',
    "ip": f'case "$*" in {IP} {HEALING} 2>/dev/null ;; esac',
    "nft": f'case "$*" in *"list "*) cat "{HERE}/{RULES}" ;; esac',
    "networkctl": f'case "$*" in *list*) {CONFIGURED} ;; esac',
}
USUAL = How(TOOLS)


def recorded(box: Box) -> Answers:
    """The box, pushed to and in sync."""
    recorded_box.in_kernel(box.root)
    answers = Answers(box.root / "answers")
    told = box.settle(FILES, USUAL)
    assert told.steps["verify"] == ("ok", ""), told
    return answers


def shown(box: Box, how: How = USUAL) -> dict[str, tuple[str, str]]:
    """What it shows by subject: as it should be, and as it is."""
    said: dict[str, dict[str, str]] = {"applied": {}, "running": {}}
    for line in box.run("show", how=how)[1].splitlines():
        kind, _, rest = line.partition("\t")
        if kind in said:
            name, _, content = rest.partition("\t")
            said[kind][name] = base64.b64decode(content).decode()
    return {name: (text, said["running"][name]) for name, text in said["applied"].items()}


def nothing_is_otherwise(box: Box) -> None:
    recorded(box)
    assert set(shown(box).values()) == {("", "")} and box.push(FILES, USUAL).ended == "unchanged"
    (box.state / "applied/frr").unlink()
    (box.state / "applied").rename(box.state / "applied.away")
    assert box.push(FILES, USUAL).ended == "applied", "what was applied is not known"


def _worse(one: dict[str, Any]) -> None:
    one.pop("master")
    one["flags"] = []
    one["mtu"] = 1400
    one["addr_info"][0]["local"] = "10.128.3.9"
    one["addr_info"][1]["dadfailed"] = True


def all_is_otherwise(box: Box) -> None:
    """One look finds a fault in each subject."""
    answers = recorded(box)
    answers.edit("address.json", lambda links: links[:-5] + links[-4:])
    answers.edit("address.json", recorded_box.without("lan1"))
    answers.edit("address.json", link("vlan4", _worse))
    answers.edit("address.json", link("vni4", lambda one: one["linkinfo"].pop("info_kind")))
    answers.edit("address.json", link("vrf1", lambda one: one["linkinfo"].update(info_data={})))
    answers.edit("routes.json", _faulty_routes)
    answers.edit("routes.json", _without_ends)
    answers.edit("vnis.json", lambda vnis: [{**vnis[1], "state": "Down"}])
    answers.edit("daemons.txt", replaced(" bgpd", ""))
    answers.edit("running.txt", replaced("frr version 8.4.4", "frr version 10.3"))
    answers.edit("running.txt", replaced(" vni 4\n", " vni 5\n"))
    answers.edit("neighbours.json", lambda entries: entries[:1])
    answers.edit(RULES, lambda text: text.replace("metrics", "more") + DOCKER + BANS)
    (box.root / "proc/sys/net/ipv4/ip_forward").write_text("0\n")
    found = shown(box)
    assert [name for name, texts in found.items() if texts == ("", "")] == [], found
    assert box.push(FILES, USUAL).ended == "failed", "FRR would not take it without BGP"
    answers.edit("daemons.txt", replaced(" zebra", " zebra bgpd"))
    told = box.push(FILES, USUAL)
    assert told.ended == "rolled-back" and told.steps["load-system"][0] == "ok", told


def _without_ends(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in entries if one.get("type") != "7" or one.get("table") != "1000004"]


def _faulty_routes(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kept = [one for one in entries if one["dst"] not in ("10.4.0.2", "10.128.3.3")]
    for one in kept:
        if one["dst"] == "10.4.0.3":
            one["nexthops"][0]["flags"] = ["dead"]
        if one["dst"] == "10.4.255.11":
            one.clear()
            one.update(type="7", dst="10.4.255.11", protocol="186", metric=20)
        if one["dst"] == "10.4.255.12":
            one["type"] = "3"
    return kept


def lost_routes_come_back(box: Box) -> None:
    """FRR puts back what is removed before its eyes: what is there wrongly, or was made for it."""
    answers = recorded(box)
    healed = box.root / "healed"
    healed.mkdir()
    (healed / "routes.json").write_text(answers.texts["routes.json"])
    answers.edit("routes.json", _faulty_routes)
    told = box.push(FILES, USUAL)
    assert told.ended == "applied", told
    state, said = told.steps["check-routes"]
    assert state == "ok" and "The kernel had lost these and has them again:\n" in said
    batch = (box.root / "answers/batch").read_text()
    assert "route del 10.4.255.11/32 proto 186 metric 20 table 254\n" in batch
    assert (
        "route add unreachable 10.4.0.2/32 proto 186 metric 20 table 254\n"
        "route del unreachable 10.4.0.2/32 proto 186 metric 20 table 254\n"
    ) in batch
    assert "10.128.3.4" not in batch, "no other route is touched"


def lost_routes_stay_away(box: Box) -> None:
    answers = recorded(box)
    answers.edit("ip-routes.json", _of_another_protocol)
    told = box.push(FILES, USUAL)
    assert told.ended == "rolled-back" and told.steps["check-routes"][0] == "failed", told
    said = told.steps["check-routes"][1]
    assert "The kernel lacks routes that FRR has selected, so packets go astray: FRR's rou" in said
    assert "It has gone back, but not all is as it should be:" in told.steps["roll-back"][1]
    assert not (box.state / "pending").exists()


def going_back_leaves_something(box: Box) -> None:
    """What runs beyond what ran before is told, and is no reason to go back once more."""
    recorded(box)
    running = box.root / "answers/running.txt"
    with_probe(f"sed -i 's/^end/ip route 192.0.2.0 x\\nend/' {running}; exit 1")(box)
    told = box.push(FILES | {"/etc/hostname": "other\n"}, USUAL)
    assert told.ended == "rolled-back" and told.steps["roll-back"][0] == "failed", told
    assert told.steps["roll-back"][1].endswith("FRR also runs this: ip route 192.0.2.0 x.")
    assert not (box.state / "pending").exists()
    assert shown(box)["running configuration of FRR"] == ("", "ip route 192.0.2.0 x\n")


def _of_another_protocol(documents: list[Any]) -> list[Any]:
    hops = [{"blackhole": True, "active": True}]
    route = {"prefix": "192.0.2.0/24", "protocol": "ospf", "selected": True, "nexthops": hops}
    documents[0]["192.0.2.0/24"] = [route]
    return [{"default": documents[0]}, *documents[1:]]


def chains_of_others(box: Box) -> None:
    """One that may drop all is refused at the first push; later it is told, and is drift."""
    answers = recorded(box)
    answers.edit(RULES, lambda text: text + DOCKER + BANS)
    changed = FILES | {"/etc/hostname": "other\n"}
    told = box.settle(changed, USUAL)
    assert "table ip filter, chain FORWARD (hook forward): drops what" in told.steps["verify"][1]
    texts = shown(box)["rules of others in the kernel"]
    assert texts[0] == "" and "FORWARD" in texts[1] and "banned" not in texts[1], texts
    (box.state / "applied").rename(box.state / "applied.away")
    told = box.push(FILES, USUAL)
    assert told.ended == "rolled-back", told
    assert told.steps["verify"][1].endswith("a packet passes only if every table lets it through.")


def devices_are_made_anew(box: Box) -> None:
    """Those whose settings networkd never changes; the others have their units read again."""
    answers = recorded(box)
    healed = box.root / "healed"
    healed.mkdir()
    (healed / "address.json").write_text(answers.texts["address.json"])
    answers.edit("address.json", link("vrf4", lambda one: one["linkinfo"].update(info_data={})))
    answers.edit("address.json", link("vlan1", lambda one: one["addr_info"].pop(0)))
    answers.edit("address.json", link("vni1", lambda one: one.update(mtu=1400)))
    log = box.root.with_name("anew.log")
    heal = f'case "$*" in *reload*) cp "{HEALED}"/* "{HERE}" ;; esac'
    loud = {
        "ip": f'echo "ip $*" >>{log}; {TOOLS["ip"]}',
        "networkctl": f'echo "networkctl $*" >>{log}; {heal}; {TOOLS["networkctl"]}',
    }
    units = box.root / "etc/systemd/network"
    before = {path.name: path.stat().st_mtime_ns for path in units.iterdir()}
    told = box.push(FILES, How(TOOLS | loud))
    assert told.ended == "applied", told
    assert "ip link set dev vni1 mtu 9000" in log.read_text()
    assert "ip link delete vrf4" in log.read_text() and "delete vlan1" not in log.read_text()
    touched = {path.name for path in units.iterdir() if path.stat().st_mtime_ns > before[path.name]}
    assert touched == {
        f"30-sn-{name}"
        for name in (
            "vrf4.netdev",
            "vrf4.network",
            "vlan4.netdev",
            "vlan4.network",
            "vlan1.netdev",
            "vlan1.network",
            "vni1.netdev",
            "vni1.network",
        )
    }


def nothing_of_a_network_that_is_left_stays(box: Box) -> None:
    """Its devices go, and the routes of its table that lead to none of them."""
    recorded(box)
    log = box.root.with_name("left.log")
    loud = TOOLS | {"ip": f'echo "ip $*" >>{log}; {TOOLS["ip"]}'}
    without = {path: text for path, text in FILES.items() if not path.endswith("vrf4.netdev")}
    box.push(without, How(loud))
    done = log.read_text()
    assert "ip link delete vrf4" in done and "ip link delete vlan4" not in done
    assert all(f"ip {family} route flush table 1000004" in done for family in ("-4", "-6"))
    assert "table 1000001" not in done


STAND_IN = """
[Route]
Type=unicast
Destination=10.128.3.0/24
Table=1000001
Metric=4278190081
"""
IN_KERNEL = {"dst": "10.128.3.0/24", "dev": "vrf4", "table": "1000001", "metric": 4278190081}


def a_route_of_a_unit_leads_over_its_device(box: Box) -> None:
    answers = recorded(box)
    unit = "/etc/systemd/network/30-sn-vrf4.network"
    files = FILES | {unit: FILES[unit] + STAND_IN}
    told = box.push(files, USUAL)
    assert told.ended == "rolled-back", told
    assert "There is no route dev vrf4 10.128.3.0/24 in table 1000001" in str(told.steps)
    answers.edit("routes.json", lambda entries: [*entries, IN_KERNEL | {"dev": "vlan4"}])
    assert box.push(files, USUAL).ended == "rolled-back", "it leads elsewhere"
    answers.edit("routes.json", lambda entries: [*entries, IN_KERNEL])
    assert box.push(files, USUAL).ended == "applied"


def networkd_ends_meanwhile(box: Box) -> None:
    """What is to go back without it leaves the interfaces as they are."""
    answers = recorded(box)
    with_probe("exit 1")(box)
    undone = "$APPLIER_ROOT/var/lib/shared-networks/pending/undone"
    ended = {"systemctl": f'[ ! -d "{undone}" ] || exit 3; {BOX["systemctl"]}'}
    gone = ("vlan4", "vni4", "vrf4")  # with the VRF go the routes in its table
    fewer = {path: text for path, text in FILES.items() if not any(one in path for one in gone)}
    told = box.push(fewer, replace(USUAL, broken=TOOLS | ended))
    assert told.ended == "rolled-back", told
    assert json.loads(answers.texts["address.json"])


VERIFIED: dict[str, Happening] = {
    happening.__name__.replace("_", " "): happening
    for happening in (
        nothing_is_otherwise,
        all_is_otherwise,
        lost_routes_come_back,
        lost_routes_stay_away,
        going_back_leaves_something,
        chains_of_others,
        devices_are_made_anew,
        nothing_of_a_network_that_is_left_stays,
        a_route_of_a_unit_leads_over_its_device,
        networkd_ends_meanwhile,
    )
}
