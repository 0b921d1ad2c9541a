"""What is read off a configuration's files is what its facts say."""

import pytest

from firewalls.configuration.carried import carries
from firewalls.configuration.plan import Facts, plan
from firewalls.configuration.render import render
from tests.firewalls.situations import SITUATIONS


@pytest.mark.parametrize("facts", SITUATIONS.values(), ids=SITUATIONS.keys())
def test_a_configuration_carries_what_its_facts_say(facts: Facts) -> None:
    has = carries(render(plan(facts)))
    nets = (facts.primary, *facts.shared, *facts.externals)
    own = {ip: net.vrf for net in nets for ip in net.addresses}
    assert has.addresses == {**own, facts.router_id: 0}
    assert has.vrfs == {net.vrf for net in nets}
    assert has.asns == {facts.asn}
    assert has.targets == {endpoint.target for endpoint in facts.endpoints}


def test_files_of_somebody_else_carry_nothing_of_ours() -> None:
    theirs = {"/etc/systemd/network/30-vlan7.network": "[Network]\nAddress=10.4.0.9/32\n"}
    has = carries(theirs | {"/etc/hostname": "box\n"})
    assert not (has.addresses or has.vrfs or has.asns or has.targets)
