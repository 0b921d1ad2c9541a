"""A running partition: a network is shared later and left again, and two firewalls are cut off.

Those wait a minute for a confirmation that cannot come, and the rest of the partition lives on.
"""

import re
from dataclasses import dataclass

import pytest

from tests.lab import rest, running, streams, topology
from tests.lab.agreement import agreement
from tests.lab.observing import ONCE, observe, problems
from tests.lab.running import Lab
from tests.lab.scenarios import (
    INTERNET_BACK,
    INTERNET_GONE,
    LEFT,
    SHARED_LATER,
    UNRELATED,
    Connection,
)

NOWHERE = "192.0.2.0/24"  # a documentation prefix (RFC 5737), from which nobody manages anything
ONE_PORT = topology.PORTS[:1]
# What a network that was left must have disappeared from.
LINKS_RULES_AND_FILES = (
    "ip -br link; ip -br address; nft list ruleset; vtysh -c 'show running-config'; "
    "ls /etc/systemd/network; ip rule"
)


@dataclass
class CutOff:
    """Pushes of a configuration that shuts out whoever manages the firewall.

    fw-batch is as it is; on fw-backup the applier's rollback timer is killed.
    """

    connections: list[Connection]
    rules_before: dict[str, str]
    push_ids: dict[str, str]


@pytest.fixture(scope="class")
def cut_off(lab: Lab) -> CutOff:
    """The pushes are being applied, and nobody will be able to confirm them."""
    connections = [Connection("batch1", "storage1")]
    firewalls = ("fw-batch", "fw-backup")
    rules = {name: _rules(lab, name) for name in firewalls}
    streams.begin(lab, connections)
    _manage_from(lab, NOWHERE)
    push_ids = {name: rest.begin_push(lab.rest, name) for name in firewalls}
    running.wait_until(lambda: _all_rendered(lab, push_ids), 30)
    _manage_from(lab, topology.MANAGEMENT)
    _kill_timer(lab, "fw-backup")
    return CutOff(connections, rules, push_ids)


class TestAsTimeGoesOn:
    """What happens to a running partition, in this order."""

    def test_3_a_network_shared_later_is_reached_after_a_push_and_nothing_else_changes(
        self, lab: Lab, cut_off: CutOff
    ) -> None:
        streams.begin(lab, UNRELATED)
        lab.rest.post("networks/shop/share/", {"confirm": "shop", "reason": "the lab"})
        in_sync = rest.state(lab.rest, "fw-shop") == "in_sync"
        assert in_sync, "to share a network changes no configuration"
        web = rest.firewall_id(lab.rest, "fw-web")
        lab.rest.post(f"firewalls/{web}/attachments/", {"network": "shop"})
        before_push = problems(observe(lab, [SHARED_LATER], ONCE), SHARED_LATER)
        assert before_push != [], "nothing is there before the push"
        rest.push(lab.rest, ["fw-web"])
        assert problems(observe(lab, [SHARED_LATER]), SHARED_LATER) == []
        assert agreement(lab, ONE_PORT).lines == []
        assert streams.lost(lab, UNRELATED) == {}, "what worked before has lost packets"

    def test_4_a_network_that_is_left_is_gone_after_a_push_and_nothing_of_it_remains(
        self, lab: Lab
    ) -> None:
        web = rest.firewall_id(lab.rest, "fw-web")
        vrf = lab.numbers.vrfs["shop"]
        (address,) = (
            address
            for address in rest.addresses_in(lab.rest, "fw-web", "shop")
            if ":" not in address
        )
        streams.begin(lab, UNRELATED)
        lab.rest("DELETE", f"firewalls/{web}/attachments/shop/")
        before_push = problems(observe(lab, [LEFT], ONCE), LEFT)
        assert before_push != [], "as long as the configuration has it, the path is there"
        assert agreement(lab, ONE_PORT, "applied").lines == []
        rest.push(lab.rest, ["fw-web"])
        assert problems(observe(lab, [LEFT]), LEFT) == []
        assert streams.lost(lab, UNRELATED) == {}, "what stays has lost packets"
        assert rest.addresses_in(lab.rest, "fw-web", "shop") == []
        allocated = [row["address"] for row in lab.rest.rows("ip-addresses/?network=shop")]
        assert address not in allocated
        everything = lab.guest.run(LINKS_RULES_AND_FILES, firewall="fw-web")
        assert re.findall(rf"\b(?:vrf|bridge|vni){vrf}\b", everything) == []
        assert f"{address}/" not in everything
        assert _routing_table(lab, "fw-web", 1_000_000 + vrf) == ""

    def test_17_the_shared_network_is_reached_while_the_internet_is_gone_and_it_comes_back(
        self, lab: Lab
    ) -> None:
        connections = [Connection("shop1", "storage1"), Connection("web1", "backup1")]
        streams.begin(lab, connections)
        _announce_internet(lab, "no default-originate ipv4")
        assert problems(observe(lab, [INTERNET_GONE]), INTERNET_GONE) == []
        _announce_internet(lab, "default-originate ipv4")
        assert problems(observe(lab, [INTERNET_BACK]), INTERNET_BACK) == []
        lost = {
            name: len(stream["lost"]) for name, stream in streams.lost(lab, connections).items()
        }
        most = 1 / streams.INTERVAL_SECONDS
        assert all(count <= most for count in lost.values()), f"more than a second lost: {lost}"

    def test_14_a_push_that_would_cut_off_management_rolls_back_by_itself(
        self, lab: Lab, cut_off: CutOff
    ) -> None:
        """With its rollback timer killed it does not, but the next boot does."""
        push = rest.ended(lab.rest, "fw-batch", cut_off.push_ids["fw-batch"], "rolled_back")
        assert "gone back to what it had before" in push["error"]
        assert _rules(lab, "fw-batch") == cut_off.rules_before["fw-batch"]
        assert streams.lost(lab, cut_off.connections) == {}
        push = rest.ended(lab.rest, "fw-backup", cut_off.push_ids["fw-backup"], "failed")
        assert "could not be asked" in push["error"]
        assert _rules(lab, "fw-backup") != cut_off.rules_before["fw-backup"]
        recover = "APPLIER_INSIDE=1 /usr/local/sbin/shared-networks-applier recover"
        lab.guest.run(recover, firewall="fw-backup")
        as_before = _rules(lab, "fw-backup") == cut_off.rules_before["fw-backup"]
        assert as_before, "a boot puts back what was never confirmed"


def _announce_internet(lab: Lab, setting: str) -> None:
    """Have the exit announce a default route to the internet's VRF, or no longer."""
    asn = next(switch.asn for switch in topology.SWITCHES if switch.name == "exit")
    router = f"router bgp {asn} vrf vrf{lab.numbers.vrfs['internet']}"
    words = ("configure terminal", router, "address-family l2vpn evpn", setting)
    lab.guest.run("vtysh -N exit " + " ".join(f"-c '{one}'" for one in words))


def _manage_from(lab: Lab, prefix: str) -> None:
    lab.rest("PATCH", "partitions/lab/", {"management_prefixes": [prefix]})


def _all_rendered(lab: Lab, push_ids: dict[str, str]) -> bool:
    return all(lab.rest.get(f"pushes/{push_id}/")["revision"] for push_id in push_ids.values())


def _rules(lab: Lab, name: str) -> str:
    return lab.guest.run("nft -s list table inet metal", node=name)


def _routing_table(lab: Lab, name: str, table: int) -> str:
    script = "; ".join(f"{ip} route show table {table} 2>/dev/null" for ip in ("ip", "ip -6"))
    return lab.guest.run(f"{script}; true", firewall=name).strip()


def _kill_timer(lab: Lab, name: str) -> None:
    # Only when all is applied: the applier starts another one in the place of one that died before.
    # The brackets keep it from matching the shell that looks for it.
    applied = "test -e /var/lib/shared-networks/pending/applied"
    timer = "'[s]hared-networks-applier rollback'"
    script = f"{applied} && pkill -9 -f {timer} && sleep 1 && ! pgrep -f {timer} && echo gone"
    running.wait_until(lambda: lab.guest.run(script, firewall=name), rest.PUSH_SECONDS)
