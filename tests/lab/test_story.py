"""What happens to a running partition, in this order: shared later, left again, a push that would cut off management."""

import re
import threading
from typing import Any

from tests.lab import rest, running
from tests.lab.observing import observe, problems
from tests.lab.running import Lab
from tests.lab.scenarios import LEFT, SHARED_LATER, Talk

SUPERFLUOUS_SECONDS = 10.0  # to wait for answers that must not come


class TestAsTimeGoesOn:
    """What happens to a running partition, in this order."""

    def test_3_share_later(self, lab: Lab) -> None:
        flows = [Talk("shop1", "storage1"), Talk("web1", "storage1"), Talk("shop1", "internet")]
        _stream(lab, flows)
        lab.rest.post("networks/shop/share/", {"confirm": "shop", "reason": "the lab"})
        assert _state(lab, "fw-shop") == "in_sync", "to share a network changes no configuration"
        web = rest.firewall_id(lab.rest, "fw-web")
        lab.rest.post(f"firewalls/{web}/attachments/", {"network": "shop"})
        assert problems(observe(lab, [SHARED_LATER], SUPERFLUOUS_SECONDS), SHARED_LATER) != [], "nothing is there before the push"
        rest.push(lab.rest, ["fw-web"])
        assert problems(observe(lab, [SHARED_LATER]), SHARED_LATER) == []
        assert _lost(lab, flows) == {}, "what worked before has lost packets"

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

    def test_14_what_would_cut_off_management_rolls_back_by_itself(self, lab: Lab) -> None:
        """On one firewall as it is; on the other with the applier's timer taken out, which must not come back."""
        flows = [Talk("batch1", "storage1")]
        pair = ("fw-batch", "fw-backup")
        rules = {name: _rules(lab, name) for name in pair}
        _stream(lab, flows)
        lab.rest("PATCH", "partitions/lab/", {"management_prefixes": ["192.0.2.0/24"]})
        begun = {name: lab.rest.post(f"firewalls/{rest.firewall_id(lab.rest, name)}/push/")["id"] for name in pair}
        running.wait(lambda: all(lab.rest.get(f"pushes/{number}/")["revision"] for number in begun.values()), 30)
        lab.rest("PATCH", "partitions/lab/", {"management_prefixes": ["10.0.2.0/24"]})
        killer = threading.Thread(target=_kill_timer, args=(lab, "fw-backup"))
        killer.start()
        push = rest.ended(lab.rest, "fw-batch", begun["fw-batch"], "rolled_back")
        assert "gone back to what it had before" in push["error"]
        assert _rules(lab, "fw-batch") == rules["fw-batch"] and _lost(lab, flows) == {}
        killer.join()
        failed = rest.ended(lab.rest, "fw-backup", begun["fw-backup"], "failed")
        assert "could not be asked" in failed["error"] and _rules(lab, "fw-backup") != rules["fw-backup"]
        lab.guest.run("APPLIER_INSIDE=1 /usr/local/sbin/shared-networks-applier recover", box="fw-backup")
        assert _rules(lab, "fw-backup") == rules["fw-backup"], "a boot puts back what was never confirmed"


def _state(lab: Lab, name: str) -> str:
    (row,) = lab.rest.rows(f"firewalls/?name={name}")
    return str(row["state"])


def _rules(lab: Lab, name: str) -> str:
    return lab.guest.run("nft -s list table inet metal", node=name)


def _kill_timer(lab: Lab, name: str) -> None:
    script = "pkill -9 -f 'shared-networks-applier rollback' && sleep 1 && ! pgrep -f 'shared-networks-applier rollback'"
    running.wait(lambda: lab.guest.run(f"{script} && echo gone", box=name), 120)


def _stream(lab: Lab, flows: list[Talk]) -> None:
    for talk in flows:
        name = f"{talk.source} → {talk.target}"
        lab.guest.ask("stream", name=name, node=talk.source, to=lab.address(talk.target), port=talk.port, interval=0.2)


def _lost(lab: Lab, flows: list[Talk]) -> dict[str, Any]:
    """What each flow has lost since it began, if anything."""
    ended = {name: lab.guest.ask("end", name=name) for name in (f"{talk.source} → {talk.target}" for talk in flows)}
    assert all(told["sent"] > 20 for told in ended.values()), ended
    return {name: told for name, told in ended.items() if told["lost"]}
