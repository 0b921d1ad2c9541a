"""A firewall that metal-stack's installer set up: refused, taken over, given back; for lab-full."""

import shlex

import pytest

from tests.firewalls.delivered import units
from tests.lab import rest, running, topology
from tests.lab.observing import ONCE, observe, problems
from tests.lab.running import Lab
from tests.lab.scenarios import Connection, Scenario

NAME = "fw-backup"
WORKS = Scenario(
    21,
    "A firewall that somebody else set up, or that was taken over from them, passes traffic on",
    (Connection("backup1", "internet", "fw-backup@internet"),),
)
TAKE_OVER = f"""
from firewalls.models import Firewall
from firewalls.pushing import takeover
firewall = Firewall.objects.get(machine__name={NAME!r})
print(takeover.take_over(firewall, "lab", takeover.prospect(firewall).seen).pk)
"""
THEIR_RULES = """flush ruleset
table inet nat {{
    chain postrouting {{
        type nat hook postrouting priority 0; policy accept;
        oifname "vlan{internet}" ip saddr {prefix} counter masquerade random
    }}
}}
"""
THEIR_SETTINGS = "net.ipv4.ip_forward=1\nnet.ipv6.conf.all.forwarding=1\n"
SAME = """cd /etc && sha256sum frr/frr.conf nftables.conf hostname systemd/network/*; \
nft -s list table inet nat"""


@pytest.fixture
def delivered(lab: Lab) -> Lab:
    """fw-backup as it is delivered, and never pushed to; what it had in the lab was given back."""
    routing = lab.guest.run("cat /etc/frr/frr.conf", firewall=NAME)
    _give_back(lab)
    internet, backup = topology.INTERNET[1], lab.numbers.vrfs["backup"]
    own = {
        backup: [f"{lab.address(NAME, 'backup')}/32"],
        internet: [
            f"{lab.address(NAME, 'internet')}/32",
            f"{lab.address(NAME, 'internet', 6)}/128",
        ],
    }
    router_id = lab.rest.get(f"firewalls/{rest.firewall_id(lab.rest, NAME)}/")["router_id"]
    prefix = lab.rest.get("networks/backup/")["prefixes"][0]
    files = units(router_id, ["lan0", "lan1"], own) | {
        "/etc/frr/frr.conf": routing,
        "/etc/nftables.conf": THEIR_RULES.format(internet=internet, prefix=prefix),
        "/etc/sysctl.d/99-frr_defaults.conf": THEIR_SETTINGS,
    }
    for path, text in files.items():
        lab.guest.run(f"printf %s {shlex.quote(text)} >{path}", firewall=NAME)
    lab.guest.run(f"bash /run/lab/firewall restart {NAME}", seconds=600)
    running.wait_until_up(lab, NAME)
    return lab


def test_23_a_firewall_that_somebody_else_set_up_is_taken_over_and_given_back(
    delivered: Lab,
) -> None:
    lab = delivered
    assert problems(observe(lab, [WORKS]), WORKS) == [], "as it was delivered"
    theirs = lab.guest.run(SAME, firewall=NAME)

    # What was seen last had no such units, so nobody has adopted these.
    refused = rest.ended(lab.rest, NAME, _decide(lab), "failed")
    assert "00-lo.network names lo" in refused["error"]
    assert lab.guest.run(SAME, firewall=NAME) == theirs
    assert problems(observe(lab, [WORKS], ONCE), WORKS) == [], "a refused push changes nothing"

    rest.ended(lab.rest, NAME, _decide(lab), "confirmed")
    assert problems(observe(lab, [WORKS]), WORKS) == [], "taken over"
    assert rest.state(lab.rest, NAME) == "in_sync"
    _is_as_its_units_say(lab)

    _give_back(lab)
    assert problems(observe(lab, [WORKS]), WORKS) == [], "given back"
    assert lab.guest.run(SAME, firewall=NAME) == theirs
    assert rest.state(lab.rest, NAME) == "new"
    refused = rest.ended(lab.rest, NAME, rest.begin_push(lab.rest, NAME), "failed")
    assert "given back" in refused["error"]

    rest.ended(lab.rest, NAME, _decide(lab), "confirmed")
    assert problems(observe(lab, [WORKS]), WORKS) == [], "taken over again"


def _decide(lab: Lab) -> str:
    """Take it over as it was seen last; the id of the push."""
    return lab.stack.manage("shell", "-v", "0", "-c", TAKE_OVER).split()[-1]


def _give_back(lab: Lab) -> None:
    rest.ended(lab.rest, NAME, rest.begin_push(lab.rest, NAME, 0), "confirmed")


def _is_as_its_units_say(lab: Lab) -> None:
    """No device was left over as somebody else made it: VRFs have our tables, VNIs are up."""
    for vrf in (topology.INTERNET[1], lab.numbers.vrfs["backup"]):
        unit = f"/etc/systemd/network/30-sn-vrf{vrf}.netdev"
        table = lab.guest.run(f"sed -n s/^Table=//p {unit}", firewall=NAME).strip()
        shown = lab.guest.run(f"ip -d link show vrf{vrf}", firewall=NAME)
        assert f"vrf table {table} " in shown
        assert "State: Up" in lab.guest.run(f"vtysh -c 'show evpn vni {vrf}'", firewall=NAME)
