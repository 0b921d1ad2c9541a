"""What passes a firewall and what ends: with packets, over pushes that take something away."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab import rest, running, streams, topology
from tests.lab.observing import CONVERGED_SECONDS
from tests.lab.running import Lab
from tests.lab.scenarios import Connection

UNRELATED = [
    Connection("web1", "storage1"),
    Connection("web1", "internet"),
    Connection("shop1", "storage1"),
    Connection("batch1", "storage1"),
]
PORT = 4000
AFTERWARDS_SECONDS = 5
FORGED = "192.0.2.9"
# Without a reply, UDP tells nobody; the rule that refuses it counts.
FORGE = f"""python3 - <<'END'
import socket
forged = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
forged.setsockopt(socket.SOL_IP, 19, 1)  # IP_TRANSPARENT: the address is nobody's here
forged.bind(("{FORGED}", 0))
forged.sendto(b"forged", ("{topology.INTERNET_HOST[0]}", 80))
END"""
REFUSED = (
    "nft list table inet metal | grep 'no address of a machine here' | grep -v 'packets 0 ' || true"
)
ALL = list(topology.ALL)
WEB = {"protocol": "tcp", "ports": [80], "to": ALL, "comment": "web"}


@pytest.fixture
def endpoint(lab: Lab) -> Iterator[dict[str, Any]]:
    """A port of fw-web's in storage, by UDP, that leads to the proxy."""
    (machine,) = lab.rest.rows("machines/?name=proxy")
    made = lab.rest.post(
        "endpoints/",
        {
            "firewall": rest.firewall_id(lab.rest, "fw-web"),
            "network": "storage",
            "address": lab.address("fw-web", "storage"),
            "port": PORT,
            "machine": machine["id"],
            "target_port": 80,
            "protocol": "udp",
            "purpose": "service",
        },
    )
    rest.push(lab.rest, ["fw-web"])
    yield made


IMPORTED = [
    Connection("shop1", "storage1"),
    Connection("shop1", "internet"),
    Connection("shop1", "internet", version=6),
]
# As FRR does for a moment by itself, whenever a VRF imports from one VRF more or less. FRR sleeps,
# for it would give the routes back at once.
TAKEN_AWAY = """\
pkill -STOP -x zebra
for version in 4 6; do for device in {devices}; do
    of="table {table} dev $device proto bgp"
    ip -$version route save $of >/run/taken.$version.$device
    ip -$version route flush $of
done; done
sleep 6
for taken in /run/taken.*; do ip -$(echo $taken | cut -d. -f2) route restore <$taken; done
pkill -CONT -x zebra
"""


def test_flows_go_on_while_frr_gives_imported_routes_anew(lab: Lab) -> None:
    numbers = lab.numbers.vrfs
    devices = f"bridge{numbers['storage']} bridge{numbers['internet']}"
    script = TAKEN_AWAY.format(table=1_000_000 + numbers["shop"], devices=devices)
    streams.begin(lab, IMPORTED)
    lab.guest.run(script, firewall="fw-shop")
    assert streams.lost(lab, IMPORTED) == {}


def test_vxlan_is_not_tracked_and_the_table_is_as_large_as_it_says(lab: Lab) -> None:
    answer = _answer(lab, "shop1", lab.address("storage1"))
    assert "storage1" in answer
    tracked = lab.guest.run("cat /proc/net/nf_conntrack", node="fw-shop")
    assert "dport=80 " in tracked and "dport=4789 " not in tracked
    size = lab.guest.run("sysctl -n net.netfilter.nf_conntrack_max", firewall="fw-shop")
    assert size.strip() == "1048576"


def test_a_deleted_endpoint_ends_its_stream_within_the_push_and_nothing_else(
    lab: Lab, endpoint: dict[str, Any]
) -> None:
    _begin(lab, "published", "storage1", lab.address("fw-web", "storage"), PORT)
    streams.begin(lab, UNRELATED)
    lab.rest("DELETE", f"endpoints/{endpoint['id']}/")
    rest.push(lab.rest, ["fw-web"])
    assert _went_on(lab, "published") is False
    assert streams.lost(lab, UNRELATED) == {}


def test_a_rule_that_is_gone_ends_its_flows_and_others_open_what_they_say(lab: Lab) -> None:
    """On the way: pings by a rule, a forged source, and SSH through an external network."""
    shop = f"firewalls/{rest.firewall_id(lab.rest, 'fw-shop')}/"
    rules = lab.rest.get(shop)["rules"]
    internet, own = topology.INTERNET_HOST[0], lab.address("fw-shop", "internet")
    assert not _pings(lab, internet)
    assert not _ssh_answers(lab, own)
    _begin(lab, "by rule", "shop1", internet, 80)
    streams.begin(lab, UNRELATED)
    lab.rest("PATCH", shop, {"rules": {**rules, "egress": [WEB, {"protocol": "icmp", "to": ALL}]}})
    _manage_from(lab, topology.MANAGEMENT, f"{internet}/32")
    rest.push(lab.rest, ["fw-shop"])
    assert _went_on(lab, "by rule") is False
    assert streams.lost(lab, UNRELATED) == {}
    assert _pings(lab, internet)
    assert _ssh_answers(lab, own)
    assert _answer(lab, "shop1", internet) == f"internet {own}"
    lab.guest.run(FORGE, node="shop1")
    assert "ip saddr" in lab.guest.run(REFUSED, node="fw-shop")
    lab.rest("PATCH", shop, {"rules": rules})
    _manage_from(lab, topology.MANAGEMENT)
    rest.push(lab.rest, [firewall.name for firewall in topology.FIREWALLS])


def _manage_from(lab: Lab, *prefixes: str) -> None:
    lab.rest("PATCH", "partitions/lab/", {"management_prefixes": list(prefixes)})


def _connect(lab: Lab, node: str, to: str, port: int) -> dict[str, Any]:
    request = {"node": node, "to": to, "port": port, "seconds": 5.0}
    (response,) = lab.guest.request("connect", connections=[request])["responses"]
    return dict(response)


def _ssh_answers(lab: Lab, own: str) -> bool:
    """Whether sshd hangs up on whoever speaks HTTP with it; what is dropped hears nothing."""
    response = _connect(lab, "internet", own, 22)
    return "answer" in response or "reset" in response["error"]


def _answer(lab: Lab, node: str, to: str) -> str:
    answers: list[str] = []

    def answered() -> bool:
        answers.append(_connect(lab, node, to, 80).get("answer", ""))
        return bool(answers[-1])

    running.wait_until(answered, CONVERGED_SECONDS)
    return answers[-1]


def _pings(lab: Lab, to: str) -> bool:
    script = f"busybox ping -c 3 -W 3 {to} >/dev/null && echo answered || true"
    return "answered" in lab.guest.run(script, node="shop1")


def _begin(lab: Lab, name: str, node: str, to: str, port: int) -> None:
    """A stream of UDP that works."""

    def works() -> bool:
        request = {"node": node, "to": to, "port": port, "protocol": "udp", "seconds": 3.0}
        (response,) = lab.guest.request("connect", connections=[request])["responses"]
        return "answer" in response

    running.wait_until(works, CONVERGED_SECONDS)
    interval = streams.INTERVAL_SECONDS
    lab.guest.request("begin_stream", name=name, node=node, to=to, port=port, interval=interval)


def _went_on(lab: Lab, name: str) -> bool:
    """Whether any of what a stream sends from now on comes back; at first all of it did."""
    time.sleep(AFTERWARDS_SECONDS)
    ended = lab.guest.request("end_stream", name=name)
    last = range(
        ended["sent"] - int(AFTERWARDS_SECONDS / streams.INTERVAL_SECONDS / 2), ended["sent"]
    )
    assert not {1, 2, 3} & set(ended["lost"]), "it worked before"
    return not set(last) <= set(ended["lost"])
