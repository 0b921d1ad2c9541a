"""What takes longer, for `make lab-full`: a reboot, changes made by hand, and what FRR forgets."""

import re

from tests.lab import rest, running
from tests.lab.drifts import drift
from tests.lab.observing import ONCE, observe, problems
from tests.lab.running import SETTLE_SECONDS, Lab
from tests.lab.scenarios import STEADY, Connection, Scenario
from tests.lab.topology import SWITCHES

LEAF2 = next(switch for switch in SWITCHES if switch.name == "leaf2")
RUNNING_STATE = """\
nft -s list table inet metal; nft -s list table inet nat; vtysh -c 'show running-config'
ip -br address | grep -v mgmt0 | awk '{print $1, $3, $4}' | sed 's/@[^ ]*//; s/fe80[^ ]*//g' | sort
sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding; hostname"""
FORGOTTEN_NEIGHBOUR = Scenario(
    16,
    "After a leaf's session came back, a machine reaches the shared network",
    (Connection("batch1", "storage1", "fw-batch@storage"),),
)


def test_13_a_firewall_comes_back_from_a_reboot_as_it_was(lab: Lab) -> None:
    before = _running_state(lab, "fw-web")
    lab.guest.run("bash /run/lab/firewall restart fw-web", seconds=600)
    running.wait_until_up(lab, "fw-web")
    observation = observe(lab, STEADY)
    assert [line for scenario in STEADY for line in problems(observation, scenario)] == []
    assert _running_state(lab, "fw-web") == before


def test_15_what_was_changed_by_hand_is_found_and_mended(lab: Lab) -> None:
    """A rule that lets everything through, and a route-map without no-export; files untouched."""
    vrf = lab.numbers.vrfs["shop"]
    before = _running_state(lab, "fw-shop")
    number = rf"s/^route-map vrf{vrf}-import-map permit \([0-9]*\)$/\1/p"
    first_sequence = f"$(sed -n '{number}' /etc/frr/frr.conf | head -n1)"
    entry = f'"route-map vrf{vrf}-import-map permit {first_sequence}"'
    lab.guest.run(
        "nft insert rule inet metal forward accept; "
        f"vtysh -c 'configure' -c {entry} -c 'no set community'",
        firewall="fw-shop",
    )
    assert _running_state(lab, "fw-shop") != before
    assert drift(lab, "fw-shop") == {"rules in the kernel", "running configuration of FRR"}
    rest.push(lab.rest, ["fw-shop"])
    assert _running_state(lab, "fw-shop") == before
    assert rest.state(lab.rest, "fw-shop") == "in_sync"


def test_16_a_next_hop_whose_neighbour_frr_forgot_is_found_and_mended(lab: Lab) -> None:
    """BGP knows the route, the kernel has it, and packets vanish.

    FRR 8.4.0 to 8.5.2 forgets the neighbour when a better path to a next hop appears (FRR issue
    12391).
    """
    vrf = lab.numbers.vrfs["storage"]
    assert problems(observe(lab, [FORGOTTEN_NEIGHBOUR]), FORGOTTEN_NEIGHBOUR) == []
    _flap(lab, "leaf2", "fw-batch", vrf)
    forgotten_by_frr = not _neighbour(lab, vrf)
    if forgotten_by_frr:
        print("lab: FRR forgot the neighbour by itself")
    else:
        lab.guest.run(f"ip neigh del {LEAF2.loopback} dev bridge{vrf}", firewall="fw-batch")
    assert not _neighbour(lab, vrf), forgotten_by_frr
    without = problems(observe(lab, [FORGOTTEN_NEIGHBOUR], ONCE), FORGOTTEN_NEIGHBOUR)
    assert without != [], "without the neighbour there is no way"
    assert drift(lab, "fw-batch") == {"next hops without a neighbour"}
    rest.push(lab.rest, ["fw-batch"])
    assert _neighbour(lab, vrf)
    assert rest.state(lab.rest, "fw-batch") == "in_sync"
    assert problems(observe(lab, [FORGOTTEN_NEIGHBOUR]), FORGOTTEN_NEIGHBOUR) == []


def _running_state(lab: Lab, name: str) -> list[str]:
    """What runs on a firewall, block by block.

    Sorted: after a boot FRR lists its VRFs in another order, which means nothing.
    """
    return sorted(lab.guest.run(RUNNING_STATE, firewall=name).split("\n!\n"))


def _flap(lab: Lab, leaf: str, firewall: str, vrf: int) -> None:
    """Reset a leaf's session with a firewall.

    The firewall then learns the leaf's routes by a longer path, and by the short one again.
    """
    session = f"vtysh -N {leaf} -c 'show bgp neighbors {firewall}'"
    route = f"show bgp vrf vrf{vrf} ipv4 unicast {lab.address('storage1')}/32"
    short_path = rf"^\s*{LEAF2.asn}$"

    def drops() -> int:
        shown = lab.guest.run(session)
        count = re.search(r"Connections established \d+; dropped (\d+)", shown)
        assert count, shown
        return int(count[1])

    def is_back() -> bool:
        return drops() > before and "BGP state = Established" in lab.guest.run(session)

    def has_short_path() -> bool:
        paths = lab.guest.run(f"vtysh -c '{route}'", firewall=firewall)
        return re.search(short_path, paths, re.MULTILINE) is not None

    before = drops()
    lab.guest.run(f"vtysh -N {leaf} -c 'clear bgp {firewall}'")
    running.wait_until(is_back, SETTLE_SECONDS)
    running.wait_until(has_short_path, SETTLE_SECONDS)


def _neighbour(lab: Lab, vrf: int) -> bool:
    """Whether fw-batch's kernel knows the other end of the network's VXLAN at storage1's leaf."""
    shown = lab.guest.run(f"ip neigh show {LEAF2.loopback} dev bridge{vrf}", firewall="fw-batch")
    return "lladdr" in shown
