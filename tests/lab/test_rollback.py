"""Scenario 14: a push that would cut off management rolls back by itself, while traffic flows on."""

import threading

from tests.lab import rest, running, streams
from tests.lab.running import Lab
from tests.lab.scenarios import Talk


def test_14_what_would_cut_off_management_rolls_back_by_itself(lab: Lab) -> None:
    """On one firewall as it is; on the other with the applier's timer taken out, which must not come back."""
    flows = [Talk("batch1", "storage1")]
    pair = ("fw-batch", "fw-backup")
    rules = {name: _rules(lab, name) for name in pair}
    streams.begin(lab, flows)
    lab.rest("PATCH", "partitions/lab/", {"management_prefixes": ["192.0.2.0/24"]})
    begun = {name: lab.rest.post(f"firewalls/{rest.firewall_id(lab.rest, name)}/push/")["id"] for name in pair}
    running.wait(lambda: all(lab.rest.get(f"pushes/{number}/")["revision"] for number in begun.values()), 30)
    lab.rest("PATCH", "partitions/lab/", {"management_prefixes": ["10.0.2.0/24"]})
    killer = threading.Thread(target=_kill_timer, args=(lab, "fw-backup"))
    killer.start()
    push = rest.ended(lab.rest, "fw-batch", begun["fw-batch"], "rolled_back")
    assert "gone back to what it had before" in push["error"]
    assert _rules(lab, "fw-batch") == rules["fw-batch"] and streams.lost(lab, flows) == {}
    killer.join()
    failed = rest.ended(lab.rest, "fw-backup", begun["fw-backup"], "failed")
    assert "could not be asked" in failed["error"] and _rules(lab, "fw-backup") != rules["fw-backup"]
    lab.guest.run("APPLIER_INSIDE=1 /usr/local/sbin/shared-networks-applier recover", box="fw-backup")
    assert _rules(lab, "fw-backup") == rules["fw-backup"], "a boot puts back what was never confirmed"


def _rules(lab: Lab, name: str) -> str:
    return lab.guest.run("nft -s list table inet metal", node=name)


def _kill_timer(lab: Lab, name: str) -> None:
    timer = "'[s]hared-networks-applier rollback'"  # which does not match the shell that looks for it
    script = f"pkill -9 -f {timer} && sleep 1 && ! pgrep -f {timer}"
    running.wait(lambda: lab.guest.run(f"{script} && echo gone", box=name), 120)
