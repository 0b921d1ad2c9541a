"""What takes longer, for `make lab-full`: a reboot, changes made by hand, and what FRR forgets."""

import re

from tests.lab import rest, running
from tests.lab.observing import ONCE, observe, problems
from tests.lab.running import Lab
from tests.lab.scenarios import LEAVES, STEADY, Route, Scenario, Talk
from tests.lab.topology import SWITCHES

HOP = next(switch for switch in SWITCHES if switch.name == "leaf2")
STATE = """nft -s list table inet metal; nft -s list table inet nat; vtysh -c 'show running-config'
ip -br address | grep -v mgmt0 | awk '{print $1, $3, $4}' | sed 's/@[^ ]*//; s/fe80[^ ]*//g' | sort
sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding; hostname"""
OWN_DEFAULTS = "vtysh -c 'show bgp l2vpn evpn route type prefix' | grep -A2 -F '[5]:[0]:[0]:[0.0.0.0]' | sed 's/$/ /'"


def _state(lab: Lab, name: str) -> list[str]:
    """What runs on a firewall, block by block, sorted: after a boot FRR lists its VRFs in another order, which means nothing."""
    return sorted(lab.guest.run(STATE, box=name).split("\n!\n"))


def test_13_a_firewall_comes_back_from_a_reboot_as_it_was(lab: Lab) -> None:
    before = _state(lab, "fw-web")
    lab.guest.run("bash /run/lab/box restart fw-web", seconds=600)
    running.up(lab, "fw-web")
    seen = observe(lab, STEADY)
    assert [line for scenario in STEADY for line in problems(seen, scenario)] == []
    assert _state(lab, "fw-web") == before


def test_15_what_was_changed_by_hand_is_found_and_mended(lab: Lab) -> None:
    """Live, with the files untouched: a rule that lets everything through, and a route-map without its no-export."""
    firewall, vrf = rest.firewall_id(lab.rest, "fw-shop"), lab.numbers.vrfs["shop"]
    before = _state(lab, "fw-shop")
    first = rf"s/^route-map vrf{vrf}-import-map permit \([0-9]*\)$/\1/p"
    sequence = f"sed -n '{first}' /etc/frr/frr.conf | head -n1"
    by_hand = f"vtysh -c 'configure' -c \"route-map vrf{vrf}-import-map permit $({sequence})\" -c 'no set community'"
    lab.guest.run(f"nft insert rule inet metal forward accept; {by_hand}", box="fw-shop")
    assert _state(lab, "fw-shop") != before
    assert _drift(lab, firewall) == {"rules in the kernel", "running configuration of FRR"}
    rest.push(lab.rest, ["fw-shop"])
    assert _state(lab, "fw-shop") == before
    assert lab.rest.get(f"firewalls/{firewall}/")["state"] == "in_sync"


FORGOTTEN = Scenario(
    16,
    "After a leaf's session came back, a machine reaches the shared network",
    (Talk("batch1", "storage1", "fw-batch@storage"),),
)


def test_16_a_next_hop_whose_neighbour_frr_forgot_is_found_and_mended(lab: Lab) -> None:
    """FRR 8.4.0 to 8.5.2 forgets the neighbour when a better path to a next hop appears (FRR issue 12391): BGP knows the route, the
    kernel has it, and packets vanish."""
    firewall, vrf = rest.firewall_id(lab.rest, "fw-batch"), lab.numbers.vrfs["storage"]
    assert problems(observe(lab, [FORGOTTEN]), FORGOTTEN) == []
    _flap(
        lab,
        "leaf2",
        "fw-batch",
        f"vtysh -c 'show bgp vrf vrf{vrf} ipv4 unicast {lab.address('storage1')}/32'",
    )
    if by_itself := not _neighbour(lab, vrf):
        print("lab: FRR forgot the neighbour by itself")
    else:
        lab.guest.run(f"ip neigh del {HOP.loopback} dev vlan{vrf}", box="fw-batch")
    assert not _neighbour(lab, vrf), by_itself
    assert problems(observe(lab, [FORGOTTEN], ONCE), FORGOTTEN) != [], (
        "without the neighbour there is no way"
    )
    assert _drift(lab, firewall) == {"next hops without a neighbour"}
    rest.push(lab.rest, ["fw-batch"])
    assert _neighbour(lab, vrf) and lab.rest.get(f"firewalls/{firewall}/")["state"] == "in_sync"
    assert problems(observe(lab, [FORGOTTEN]), FORGOTTEN) == []


NOT_ORIGINATED = Scenario(
    17,
    "After another default route went, a machine has its way to the shared network",
    (Talk("batch1", "storage1", "fw-batch@storage"),),
    (Route(LEAVES, "batch", "default", known=True),),
)


def test_17_a_default_route_that_frr_forgets_to_originate_is_found_and_mended(lab: Lab) -> None:
    """FRR 8.4 withdraws it together with another 0/0 that goes from the VRF, and its running configuration says as before."""
    firewall, vrf = rest.firewall_id(lab.rest, "fw-batch"), lab.numbers.vrfs["batch"]
    assert problems(observe(lab, [NOT_ORIGINATED]), NOT_ORIGINATED) == []
    before, asn = _state(lab, "fw-batch"), lab.numbers.asns["fw-batch"]
    kernel = f"vtysh -c 'configure' -c 'router bgp {asn} vrf vrf{vrf}' -c 'address-family ipv4 unicast' -c"
    lab.guest.run(
        f"ip route add blackhole default vrf vrf{vrf}; {kernel} 'redistribute kernel'",
        box="fw-batch",
    )
    running.wait(
        lambda: " ? " in lab.guest.run(OWN_DEFAULTS, box="fw-batch"), running.SETTLE_SECONDS
    )
    lab.guest.run(
        f"{kernel} 'no redistribute kernel'; ip route del blackhole default vrf vrf{vrf}",
        box="fw-batch",
    )
    running.wait(
        lambda: problems(observe(lab, [NOT_ORIGINATED], ONCE), NOT_ORIGINATED),
        running.SETTLE_SECONDS,
    )
    assert _state(lab, "fw-batch") == before and _drift(lab, firewall) == {
        "default routes that are not originated"
    }
    rest.push(lab.rest, ["fw-batch"])
    assert problems(observe(lab, [NOT_ORIGINATED]), NOT_ORIGINATED) == []
    assert lab.rest.get(f"firewalls/{firewall}/")["state"] == "in_sync"


def _flap(lab: Lab, leaf: str, port: str, ask: str) -> None:
    """Reset a leaf's session with a firewall, which then hears of the leaf's routes by a longer path and by the short one again."""
    session = f"vtysh -N {leaf} -c 'show bgp neighbors {port}'"

    def dropped() -> int:
        return int(
            re.findall(r"Connections established \d+; dropped (\d+)", lab.guest.run(session))[0]
        )

    before = dropped()
    lab.guest.run(f"vtysh -N {leaf} -c 'clear bgp {port}'")
    running.wait(
        lambda: dropped() > before and "BGP state = Established" in lab.guest.run(session),
        running.SETTLE_SECONDS,
    )
    shortest = rf"^\s*{HOP.asn}$"
    running.wait(
        lambda: re.search(shortest, lab.guest.run(ask, box=port), re.M), running.SETTLE_SECONDS
    )


def _neighbour(lab: Lab, vrf: int) -> bool:
    """Whether the kernel knows the other end of the network's VXLAN at the leaf where its machine is."""
    said = lab.guest.run(f"ip neigh show {HOP.loopback} dev vlan{vrf}", box="fw-batch")
    return "lladdr" in said


def _drift(lab: Lab, firewall: str) -> set[str]:
    """What the product finds to be otherwise than applied, when it looks."""
    lab.rest.post(f"firewalls/{firewall}/check/")
    running.wait(
        lambda: lab.rest.get(f"firewalls/{firewall}/")["state"] == "drifted", running.SETTLE_SECONDS
    )
    return set(lab.rest.get(f"firewalls/{firewall}/")["drift"].splitlines())
