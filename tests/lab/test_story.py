"""What happens to a running partition, in this order: shared later, left again."""

import re

from tests.lab import rest, streams
from tests.lab.observing import observe, problems
from tests.lab.running import Lab
from tests.lab.scenarios import LEFT, SHARED_LATER, Talk

SUPERFLUOUS_SECONDS = 10.0  # to wait for answers that must not come


class TestAsTimeGoesOn:
    """What happens to a running partition, in this order."""

    def test_3_share_later(self, lab: Lab) -> None:
        flows = [Talk("shop1", "storage1"), Talk("web1", "storage1"), Talk("shop1", "internet")]
        streams.begin(lab, flows)
        lab.rest.post("networks/shop/share/", {"confirm": "shop", "reason": "the lab"})
        assert _state(lab, "fw-shop") == "in_sync", "to share a network changes no configuration"
        web = rest.firewall_id(lab.rest, "fw-web")
        lab.rest.post(f"firewalls/{web}/attachments/", {"network": "shop"})
        assert problems(observe(lab, [SHARED_LATER], SUPERFLUOUS_SECONDS), SHARED_LATER) != [], "nothing is there before the push"
        rest.push(lab.rest, ["fw-web"])
        assert problems(observe(lab, [SHARED_LATER]), SHARED_LATER) == []
        assert streams.lost(lab, flows) == {}, "what worked before has lost packets"

    def test_4_leave_again(self, lab: Lab) -> None:
        web, vrf = rest.firewall_id(lab.rest, "fw-web"), lab.numbers.vrfs["shop"]
        (address,) = [one for one in rest.addresses_in(lab.rest, "fw-web", "shop") if ":" not in one]
        lab.rest("DELETE", f"firewalls/{web}/attachments/shop/")
        still = observe(lab, [LEFT], SUPERFLUOUS_SECONDS)
        assert problems(still, LEFT) != [], "as long as the configuration has it, the path is there"
        rest.push(lab.rest, ["fw-web"])
        assert problems(observe(lab, [LEFT]), LEFT) == []
        assert rest.addresses_in(lab.rest, "fw-web", "shop") == []
        assert [row for row in lab.rest.rows("ip-addresses/?network=shop") if row["address"] == address] == []
        residue = "ip -br link; ip -br address; nft list ruleset; vtysh -c 'show running-config'; ls /etc/systemd/network; ip rule"
        said = lab.guest.run(residue, box="fw-web")
        assert re.findall(rf"\b(?:vrf|vlan|vni){vrf}\b", said) == [] and f"{address}/" not in said
        tables = f"ip route show table {1_000_000 + vrf} 2>/dev/null; ip -6 route show table {1_000_000 + vrf} 2>/dev/null"
        assert lab.guest.run(f"{tables}; true", box="fw-web").strip() == ""


def _state(lab: Lab, name: str) -> str:
    (row,) = lab.rest.rows(f"firewalls/?name={name}")
    return str(row["state"])
