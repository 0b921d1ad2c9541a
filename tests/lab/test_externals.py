"""An external network is joined and left by a firewall that has shared networks already."""

from tests.lab import rest, streams
from tests.lab.observing import observe, problems
from tests.lab.running import Lab
from tests.lab.scenarios import EXTERNAL_JOINED, EXTERNAL_LEFT, UNRELATED


def test_24_an_external_network_is_joined_and_left_and_nothing_else_loses_a_packet(
    lab: Lab,
) -> None:
    batch = rest.firewall_id(lab.rest, "fw-batch")
    streams.begin(lab, UNRELATED)
    lab.rest("PATCH", f"firewalls/{batch}/", {"rules": {"egress": rest.egress((80,))}})
    lab.rest.post(f"firewalls/{batch}/attachments/", {"network": "internet"})
    rest.push(lab.rest, ["fw-batch"])
    assert problems(observe(lab, [EXTERNAL_JOINED]), EXTERNAL_JOINED) == []
    lab.rest("DELETE", f"firewalls/{batch}/attachments/internet/")
    rest.push(lab.rest, ["fw-batch"])
    assert problems(observe(lab, [EXTERNAL_LEFT]), EXTERNAL_LEFT) == []
    assert streams.lost(lab, UNRELATED) == {}, "what has nothing to do with it lost packets"
