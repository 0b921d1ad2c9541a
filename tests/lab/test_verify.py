"""Whatever is put out of order by hand is found by the next check, and named; a push mends it.

All faults are there at once, for a check takes an emulated firewall seconds. They are put into
fw-shop, whose networks are shop (its primary), storage and the internet.
"""

import json
import time
from dataclasses import dataclass

import pytest

from firewalls.device.answers import inspection
from tests.lab import rest, running, streams
from tests.lab.running import SETTLE_SECONDS, Lab
from tests.lab.scenarios import Connection

FIREWALL = "fw-shop"
APPLIER = "/usr/local/sbin/shared-networks-applier"
POLICY = "net.ipv4.fib_multipath_hash_policy"
ADDRESS = "192.0.2.99/32"
# A loopback that fw-shop reaches over both leaves, and FRR's own metric.
ROUTE = "proto bgp metric 20"
ROUTER = "169.254.0.1"  # whatever router an uplink leads to (RFC 5549, as FRR does it)
OVER_UPLINKS = [Connection("shop1", "storage1"), Connection("shop1", "internet")]
STREAM_SECONDS = 8


@dataclass(frozen=True)
class Names:
    """What the faults are put into: VRF numbers, devices, addresses."""

    shop: int
    storage: int
    internet: int
    svi: str
    address: str
    loopback: str


@pytest.fixture(scope="module")
def names(lab: Lab) -> Names:
    vrfs = lab.numbers.vrfs
    storage = vrfs["storage"]
    svi = _devices(lab, f"master vrf{storage}")[0]
    routes = json.loads(lab.guest.run("ip -j route show proto bgp", firewall=FIREWALL))
    loopback = next(one["dst"] for one in routes if len(one.get("nexthops", ())) > 1)
    address = f"{lab.address(FIREWALL, 'storage')}/32"
    return Names(vrfs["shop"], storage, vrfs["internet"], svi, address, loopback)


def _devices(lab: Lab, which: str) -> list[str]:
    shown = lab.guest.run(f"ip -j link show {which}", firewall=FIREWALL)
    return [link["ifname"] for link in json.loads(shown)]


def _look(lab: Lab) -> dict[str, list[str]]:
    """What the firewall shows as otherwise, by subject: what should be there, and what is."""
    shown = lab.guest.run(f"{APPLIER} show", firewall=FIREWALL)
    answer = inspection(shown.encode())
    assert answer, shown[-2000:]
    lines = {
        name: [f"-{line}" for line in applied.splitlines()]
        + [f"+{line}" for line in now.splitlines()]
        for name, (applied, now) in answer.running.items()
    }
    return {name: found for name, found in lines.items() if found}


def _faults(names: Names) -> str:
    """By hand, and files untouched.

    A VXLAN that is not there at all would be another one, but FRR 10.3 dies of that.
    """
    return f"""
ip link set vni{names.internet} down
ip link set vni{names.shop} mtu 1400
ip link set vni{names.storage} type bridge_slave learning on
ip address delete {names.address} dev {names.svi}
ip address add {ADDRESS} dev {names.svi}
ip route delete unreachable default table {1_000_000 + names.shop}
ip route delete default dev vrf{names.internet} table {1_000_000 + names.shop}
ip route replace unreachable {names.loopback} {ROUTE}
sysctl -q -w {POLICY}=0
nft insert rule inet metal forward accept
nft add table inet guard
nft add chain inet guard forward '{{ type filter hook forward priority 10; policy drop; }}'
vtysh -c 'configure' -c 'interface lan0' -c 'no ipv6 nd ra-interval'
vtysh -c 'configure' -c 'interface mgmt0' -c 'description by hand'
"""


def _expected(names: Names) -> dict[str, set[str]]:
    """A line for each fault, and what follows from it."""
    return {
        "interfaces in the kernel": {
            f"-vni{names.internet} state up",
            f"+vni{names.internet} state down",
            f"-vni{names.shop} MTU 9000",
            f"+vni{names.shop} MTU 1400",
            f"-vni{names.storage} learning as a port no",
            f"+vni{names.storage} learning as a port yes",
            f"-{names.svi} {names.address}",
            f"+{names.svi} {ADDRESS}",
            f"-unreachable 0.0.0.0/0 in table {1_000_000 + names.shop}",
            f"-dev vrf{names.internet} 0.0.0.0/0 in table {1_000_000 + names.shop}",
        },
        "networks in FRR": {
            f"-VNI {names.internet} state Up",
            f"+VNI {names.internet} state Down",
        },
        "routes in the kernel": {f"+{names.loopback}/32 in table 254 nowhere"},
        "kernel settings": {f"-{POLICY} 1", f"+{POLICY} 0"},
        "rules in the kernel": {"+\t\taccept"},
        "rules of others in the kernel": {
            "+table inet guard, chain forward (hook forward): drops what it does not accept"
        },
        "running configuration of FRR": {
            "-interface lan0 / ipv6 nd ra-interval 6",
            "+interface mgmt0",
            "+interface mgmt0 / description by hand",
        },
    }


def test_one_check_finds_each_fault_and_names_it_and_a_push_mends_them(
    lab: Lab, names: Names
) -> None:
    assert _look(lab) == {}
    lab.guest.run(_faults(names), firewall=FIREWALL)
    found = _look(lab)
    expected = _expected(names)
    assert set(found) == set(expected), found
    lacking = {name: lines - set(found[name]) for name, lines in expected.items()}
    assert not any(lacking.values()), (lacking, found)
    assert _drift(lab) == set(expected)
    push = rest.push(lab.rest, [FIREWALL])[FIREWALL]
    steps = {step["name"]: step["output"] for step in push["steps"]}
    assert "The kernel had lost these and has them again:" in steps["check-routes"], steps
    assert "table inet guard" in steps["verify"], steps
    others = "rules of others in the kernel"
    running.wait_until(lambda: _is(lab, "drifted") and _told(lab) == {others}, SETTLE_SECONDS)
    lab.guest.run("nft delete table inet guard", firewall=FIREWALL)
    running.wait_until(lambda: _look(lab) == {}, SETTLE_SECONDS)
    lab.rest.post(f"firewalls/{rest.firewall_id(lab.rest, FIREWALL)}/check/")
    running.wait_until(lambda: _is(lab, "in_sync"), SETTLE_SECONDS)


def test_a_daemon_that_cannot_be_asked_is_found(lab: Lab) -> None:
    """What FRR's shell cannot reach takes no line of a push either."""
    socket = "/run/frr/bgpd.vty"
    lab.guest.run(f"mv {socket} {socket}.away", firewall=FIREWALL)
    try:
        assert _look(lab)["daemons of FRR"] == ["-bgpd"]
    finally:
        lab.guest.run(f"mv {socket}.away {socket}", firewall=FIREWALL)


def test_a_fault_that_comes_back_within_a_push_takes_it_back_and_is_named(lab: Lab) -> None:
    """Somebody sets it again and again, so the push cannot mend it, and neither can going back."""
    loop = f"(while :; do sysctl -q -w {POLICY}=0; sleep 0.1; done) >/dev/null 2>&1 & echo $!"
    process = lab.guest.run(loop, firewall=FIREWALL).strip()
    try:
        push = rest.ended(lab.rest, FIREWALL, rest.begin_push(lab.rest, FIREWALL), "rolled_back")
    finally:
        lab.guest.run(f"kill {process}; sysctl -q -w {POLICY}=1", firewall=FIREWALL)
    steps = {step["name"]: step["output"] for step in push["steps"]}
    for name in ("verify", "roll-back"):
        assert f"{POLICY} is 0, not 1." in steps[name], steps
    assert "Not all is as it was before" in push["error"]
    running.wait_until(lambda: _look(lab) == {}, SETTLE_SECONDS)


def test_without_networkd_a_push_is_refused_and_says_what_to_do(lab: Lab) -> None:
    stop = "systemctl stop systemd-networkd.socket systemd-networkd.service"
    lab.guest.run(f"sysctl -q -w {POLICY}=0; {stop}", firewall=FIREWALL)
    try:
        push = rest.ended(lab.rest, FIREWALL, rest.begin_push(lab.rest, FIREWALL), "failed")
        assert "systemd-networkd is not running here" in push["error"]
    finally:
        lab.guest.run("systemctl start systemd-networkd", firewall=FIREWALL)
        lab.guest.run(f"sysctl -q -w {POLICY}=1", firewall=FIREWALL)


def test_networkd_started_again_costs_no_packet(lab: Lab) -> None:
    """As an update of its package does."""
    streams.begin(lab, OVER_UPLINKS)
    lab.guest.run("systemctl restart systemd-networkd", firewall=FIREWALL)
    time.sleep(STREAM_SECONDS)
    assert streams.lost(lab, OVER_UPLINKS) == {}
    assert _look(lab) == {}


def test_a_push_gives_uplinks_their_neighbours_again(lab: Lab) -> None:
    """Those that stand for the routers in IPv4, without which no packet leaves."""
    taken = "; ".join(f"ip neigh delete {ROUTER} dev {uplink}" for uplink in ("lan0", "lan1"))
    lab.guest.run(taken, firewall=FIREWALL)
    assert set(_look(lab)) == {"next hops without a neighbour"}
    rest.push(lab.rest, [FIREWALL])
    running.wait_until(lambda: _look(lab) == {}, SETTLE_SECONDS)
    streams.begin(lab, OVER_UPLINKS)
    time.sleep(STREAM_SECONDS)
    assert streams.lost(lab, OVER_UPLINKS) == {}


def _drift(lab: Lab) -> set[str]:
    """What the product finds changed, when it checks."""
    lab.rest.post(f"firewalls/{rest.firewall_id(lab.rest, FIREWALL)}/check/")
    running.wait_until(lambda: _is(lab, "drifted"), SETTLE_SECONDS)
    return _told(lab)


def _is(lab: Lab, state: str) -> bool:
    return rest.state(lab.rest, FIREWALL) == state


def _told(lab: Lab) -> set[str]:
    firewall = lab.rest.get(f"firewalls/{rest.firewall_id(lab.rest, FIREWALL)}/")
    return set(firewall["drift"].splitlines())
