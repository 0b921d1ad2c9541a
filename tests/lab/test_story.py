"""What happens to a running partition: shared later, left again, and meanwhile two firewalls that are cut off.

Those wait a minute for a confirmation that cannot come, and the rest of the partition lives on.
"""

import re
from dataclasses import dataclass

import pytest

from tests.lab import rest, running, streams
from tests.lab.observing import ONCE, observe, problems
from tests.lab.running import Lab
from tests.lab.scenarios import LEFT, SHARED_LATER, Talk


@dataclass
class CutOff:
    """Pushes of a configuration that lets nobody in who manages the firewall: as it is, and with the applier's timer taken out."""

    flows: list[Talk]
    rules: dict[str, str]
    pushes: dict[str, str]


@pytest.fixture(scope="class")
def cut_off(lab: Lab) -> CutOff:
    """They are being applied, and nobody will be able to confirm them."""
    flows, pair = [Talk("batch1", "storage1")], ("fw-batch", "fw-backup")
    rules = {name: _rules(lab, name) for name in pair}
    streams.begin(lab, flows)
    lab.rest("PATCH", "partitions/lab/", {"management_prefixes": ["192.0.2.0/24"]})
    begun = {
        name: str(lab.rest.post(f"firewalls/{rest.firewall_id(lab.rest, name)}/push/")["id"])
        for name in pair
    }
    running.wait(
        lambda: all(lab.rest.get(f"pushes/{number}/")["revision"] for number in begun.values()), 30
    )
    lab.rest("PATCH", "partitions/lab/", {"management_prefixes": ["10.0.2.0/24"]})
    _kill_timer(lab, "fw-backup")
    return CutOff(flows, rules, begun)


class TestAsTimeGoesOn:
    """What happens to a running partition, in this order."""

    def test_3_share_later(self, lab: Lab, cut_off: CutOff) -> None:
        flows = [Talk("shop1", "storage1"), Talk("web1", "storage1"), Talk("shop1", "internet")]
        streams.begin(lab, flows)
        lab.rest.post("networks/shop/share/", {"confirm": "shop", "reason": "the lab"})
        assert _state(lab, "fw-shop") == "in_sync", "to share a network changes no configuration"
        web = rest.firewall_id(lab.rest, "fw-web")
        lab.rest.post(f"firewalls/{web}/attachments/", {"network": "shop"})
        assert problems(observe(lab, [SHARED_LATER], ONCE), SHARED_LATER) != [], (
            "nothing is there before the push"
        )
        rest.push(lab.rest, ["fw-web"])
        assert problems(observe(lab, [SHARED_LATER]), SHARED_LATER) == []
        assert streams.lost(lab, flows) == {}, "what worked before has lost packets"

    def test_4_leave_again(self, lab: Lab) -> None:
        web, vrf = rest.firewall_id(lab.rest, "fw-web"), lab.numbers.vrfs["shop"]
        (address,) = [
            one for one in rest.addresses_in(lab.rest, "fw-web", "shop") if ":" not in one
        ]
        lab.rest("DELETE", f"firewalls/{web}/attachments/shop/")
        still = observe(lab, [LEFT], ONCE)
        assert problems(still, LEFT) != [], "as long as the configuration has it, the path is there"
        rest.push(lab.rest, ["fw-web"])
        assert problems(observe(lab, [LEFT]), LEFT) == []
        assert rest.addresses_in(lab.rest, "fw-web", "shop") == []
        assert [
            row for row in lab.rest.rows("ip-addresses/?network=shop") if row["address"] == address
        ] == []
        residue = "ip -br link; ip -br address; nft list ruleset; vtysh -c 'show running-config'; ls /etc/systemd/network; ip rule"
        said = lab.guest.run(residue, box="fw-web")
        assert re.findall(rf"\b(?:vrf|vlan|vni){vrf}\b", said) == [] and f"{address}/" not in said
        tables = f"ip route show table {1_000_000 + vrf} 2>/dev/null; ip -6 route show table {1_000_000 + vrf} 2>/dev/null"
        assert lab.guest.run(f"{tables}; true", box="fw-web").strip() == ""

    def test_14_what_would_cut_off_management_rolls_back_by_itself(
        self, lab: Lab, cut_off: CutOff
    ) -> None:
        """On one firewall as it is; on the other with the applier's timer taken out, which must not come back."""
        push = rest.ended(lab.rest, "fw-batch", cut_off.pushes["fw-batch"], "rolled_back")
        assert "gone back to what it had before" in push["error"]
        assert (
            _rules(lab, "fw-batch") == cut_off.rules["fw-batch"]
            and streams.lost(lab, cut_off.flows) == {}
        )
        failed = rest.ended(lab.rest, "fw-backup", cut_off.pushes["fw-backup"], "failed")
        assert (
            "could not be asked" in failed["error"]
            and _rules(lab, "fw-backup") != cut_off.rules["fw-backup"]
        )
        lab.guest.run(
            "APPLIER_INSIDE=1 /usr/local/sbin/shared-networks-applier recover", box="fw-backup"
        )
        assert _rules(lab, "fw-backup") == cut_off.rules["fw-backup"], (
            "a boot puts back what was never confirmed"
        )


def _rules(lab: Lab, name: str) -> str:
    return lab.guest.run("nft -s list table inet metal", node=name)


def _kill_timer(lab: Lab, name: str) -> None:
    timer = (
        "'[s]hared-networks-applier rollback'"  # which does not match the shell that looks for it
    )
    script = f"pkill -9 -f {timer} && sleep 1 && ! pgrep -f {timer}"
    running.wait(lambda: lab.guest.run(f"{script} && echo gone", box=name), rest.PUSH_SECONDS)


def _state(lab: Lab, name: str) -> str:
    (row,) = lab.rest.rows(f"firewalls/?name={name}")
    return str(row["state"])
