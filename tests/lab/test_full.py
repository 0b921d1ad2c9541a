"""What takes longer, for `make lab-full`: a reboot, and changes made by hand."""

from tests.lab import rest, running
from tests.lab.observing import observe, problems
from tests.lab.running import Lab
from tests.lab.scenarios import STEADY

STATE = """nft -s list table inet metal; nft -s list table inet nat; vtysh -c 'show running-config'
ip -br address | grep -v mgmt0 | awk '{print $1, $3, $4}' | sed 's/@[^ ]*//; s/fe80[^ ]*//g' | sort
sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding; hostname"""


def test_13_a_firewall_comes_back_from_a_reboot_as_it_was(lab: Lab) -> None:
    before = lab.guest.run(STATE, box="fw-web")
    lab.guest.run("bash /run/lab/box restart fw-web", seconds=300)
    running.wait(lambda: running.greets(lab.guest.ssh["fw-web"]), running.SETTLE_SECONDS)
    seen = observe(lab, STEADY)
    assert [line for scenario in STEADY for line in problems(seen, scenario)] == []
    assert lab.guest.run(STATE, box="fw-web") == before


def test_15_what_was_changed_by_hand_is_found_and_mended(lab: Lab) -> None:
    """Live, with the files untouched: a rule that lets everything through, and a route-map without its no-export."""
    firewall, vrf = rest.firewall_id(lab.rest, "fw-shop"), lab.numbers.vrfs["shop"]
    before = lab.guest.run(STATE, box="fw-shop")
    first = rf"s/^route-map vrf{vrf}-import-map permit \([0-9]*\)$/\1/p"
    sequence = f"sed -n '{first}' /etc/frr/frr.conf | head -n1"
    by_hand = f"vtysh -c 'configure' -c \"route-map vrf{vrf}-import-map permit $({sequence})\" -c 'no set community'"
    lab.guest.run(f"nft insert rule inet metal forward accept; {by_hand}", box="fw-shop")
    assert lab.guest.run(STATE, box="fw-shop") != before
    lab.rest.post(f"firewalls/{firewall}/check/")
    running.wait(lambda: lab.rest.get(f"firewalls/{firewall}/")["state"] == "drifted", 120)
    rest.push(lab.rest, ["fw-shop"])
    assert lab.guest.run(STATE, box="fw-shop") == before
    assert lab.rest.get(f"firewalls/{firewall}/")["state"] == "in_sync"
