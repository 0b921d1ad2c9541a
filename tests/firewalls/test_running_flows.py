"""What is taken away ends its running flows, and nothing else ends; with real nft and packets."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from firewalls.configuration.plan import Endpoint, Rule
from tests.firewalls.crossing import Crossing, crossing, possible, received
from tests.firewalls.situations import (
    ALONE,
    INTERNET,
    INTERNET_DUAL,
    SHOP_DUAL,
    STORAGE,
    STORAGE_DUAL,
    WEB_V6,
    ips,
    nets,
)

pytestmark = pytest.mark.skipif(not possible(), reason="takes network namespaces")
SHARED = replace(ALONE, shared=(STORAGE,), externals=(INTERNET,))
OWN = "10.128.0.100"
FIRST, SECOND, PRODUCER, OUTSIDE = "10.128.64.7", "10.128.64.8", "10.128.0.7", "198.51.100.8"
ANYWHERE = nets("0.0.0.0/0")


def endpoint(machine: str, port: int = 514, protocol: str = "udp") -> Endpoint:
    return Endpoint(3982, ip_address(OWN), port, protocol, "m", ip_address(machine), 5514)


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Crossing]:
    with crossing(tmp_path) as ground:
        yield ground


def passes(sender: socket.socket, to: tuple[str, int], receiver: socket.socket) -> str:
    """Whom the receiver hears when the sender sends, if anybody."""
    sender.sendto(b"x", to)
    return received(receiver)[1]


class TestEndpoints:
    def test_a_deleted_one_ends_its_stream_and_another_one_goes_on(self, ground: Crossing) -> None:
        both = replace(SHARED, endpoints=(endpoint(FIRST), endpoint(SECOND, 515)))
        ground.load(both)
        first, second = ground.udp("shop", FIRST, 5514), ground.udp("shop", SECOND, 5514)
        streams = [ground.udp("storage", PRODUCER) for _ in range(2)]
        assert passes(streams[0], (OWN, 514), first) == PRODUCER
        assert passes(streams[1], (OWN, 515), second) == PRODUCER
        ground.load(replace(both, endpoints=(endpoint(SECOND, 515),)))
        assert passes(streams[0], (OWN, 514), first) == ""
        second.sendto(b"the answer comes first", streams[1].getsockname())
        assert received(streams[1]) == (b"the answer comes first", OWN)
        assert passes(streams[1], (OWN, 515), second) == PRODUCER

    def test_one_that_leads_elsewhere_takes_a_sender_there_that_never_pauses(
        self, ground: Crossing
    ) -> None:
        ground.load(replace(SHARED, endpoints=(endpoint(FIRST),)))
        first, second = ground.udp("shop", FIRST, 5514), ground.udp("shop", SECOND, 5514)
        stream = ground.udp("storage", PRODUCER)
        assert passes(stream, (OWN, 514), first) == PRODUCER
        ground.load(replace(SHARED, endpoints=(endpoint(SECOND),)))
        assert passes(stream, (OWN, 514), second) == PRODUCER
        assert received(first) == (b"", "")

    def test_own_machines_reach_it_from_behind_the_firewall(self, ground: Crossing) -> None:
        ground.load(replace(SHARED, endpoints=(endpoint(SECOND, 3128, "tcp"),)))
        listener = ground.listener("shop", SECOND, 5514)
        for address in (FIRST, SECOND):
            client = ground.connected("shop", address, (OWN, 3128))
            server, seen = listener.accept()
            assert client and seen[0] == "10.128.64.2"
            server.send(b"hello")
            assert client.recv(100) == b"hello"


class TestRules:
    web = Rule("egress", "tcp", ("80",), (), ANYWHERE, "web")
    dns = Rule("egress", "udp", ("53",), (), ANYWHERE, "dns")

    def test_one_that_is_gone_ends_its_flows_and_the_others_go_on(self, ground: Crossing) -> None:
        both = replace(SHARED, rules=(self.web, self.dns))
        ground.load(both)
        resolver, listener = (
            ground.udp("outside", OUTSIDE, 53),
            ground.listener("outside", OUTSIDE, 80),
        )
        asking = ground.udp("shop", FIRST)
        client = ground.connected("shop", FIRST, (OUTSIDE, 80))
        assert client and passes(asking, (OUTSIDE, 53), resolver) == "203.0.113.3"
        server, _ = listener.accept()
        ground.load(replace(both, rules=(self.web,)))
        assert passes(asking, (OUTSIDE, 53), resolver) == ""
        server.send(b"still there")
        assert client.recv(100) == b"still there"

    def test_a_wider_one_interrupts_nothing_whoever_speaks_first(self, ground: Crossing) -> None:
        ground.load(replace(SHARED, rules=(self.web,)))
        listener = ground.listener("outside", OUTSIDE, 80)
        client = ground.connected("shop", FIRST, (OUTSIDE, 80))
        server, _ = listener.accept()
        ground.load(replace(SHARED, rules=(replace(self.web, ports=("80", "443")),)))
        server.send(b"from outside")
        assert client and client.recv(100) == b"from outside"

    def test_what_narrows_a_shared_network_ends_the_rest_and_lets_it_be_pinged(
        self, ground: Crossing
    ) -> None:
        ground.load(SHARED)
        producer, stream = ground.udp("storage", PRODUCER, 111), ground.udp("shop", FIRST)
        assert passes(stream, (PRODUCER, 111), producer) == OWN
        nfs = Rule("egress", "tcp", ("2049",), (), nets("10.128.0.0/22"), "nfs")
        ground.load(replace(SHARED, rules=(nfs,)))
        assert passes(stream, (PRODUCER, 111), producer) == ""
        assert ground.pings("shop", PRODUCER)

    def test_pings_leave_by_a_rule_only(self, ground: Crossing) -> None:
        ground.load(replace(SHARED, rules=(self.web,)))
        assert not ground.pings("shop", OUTSIDE)
        ground.load(replace(SHARED, rules=(self.web, Rule("egress", "icmp"))))
        assert ground.pings("shop", OUTSIDE)

    def test_no_forged_source_leaves(self, ground: Crossing) -> None:
        """A public address of the external network may live behind the firewall."""
        ground.load(replace(SHARED, rules=(self.dns,)))
        resolver = ground.udp("outside", OUTSIDE, 53)
        for address, heard in (("203.0.113.77", "203.0.113.77"), ("192.0.2.9", "")):
            ground.run("shop", "ip", "address", "add", f"{address}/32", "dev", "lo")
            assert passes(ground.udp("shop", address), (OUTSIDE, 53), resolver) == heard


def test_the_same_holds_in_ipv6(ground: Crossing) -> None:
    """Hidden sources, own endpoints, pings by a rule, and the end of what is taken away."""
    machine, producer = "2001:db8:128:40::7", "2001:db8:128::7"
    own, outside = "2001:db8:128::100", "2001:db8:8::8"
    both = replace(
        ALONE,
        primary=SHOP_DUAL,
        shared=(STORAGE_DUAL,),
        externals=(INTERNET_DUAL,),
        rules=(Rule("egress", "icmp"), Rule("egress", "udp", ("53",))),
        endpoints=(replace(WEB_V6, protocol="udp", port=514, target_port=5514),),
    )
    ground.load(both)
    published, resolver = ground.udp("shop", machine, 5514), ground.udp("outside", outside, 53)
    streams = [ground.udp("storage", producer), ground.udp("shop", machine)]
    assert passes(streams[0], (own, 514), published) == producer
    assert passes(streams[1], (own, 514), published) == "2001:db8:128:40::2"
    asking = ground.udp("shop", machine)
    assert passes(asking, (outside, 53), resolver) == "2001:db8:113::3"
    assert ground.pings("shop", outside)
    ground.load(replace(both, endpoints=(), rules=both.rules[1:]))
    assert [passes(stream, (own, 514), published) for stream in streams] == ["", ""]
    assert not ground.pings("shop", outside)
    resolver.sendto(b"the answer", ("2001:db8:113::3", asking.getsockname()[1]))
    assert received(asking) == (b"the answer", outside)


def test_a_network_that_is_left_ends_its_flows_and_joined_again_hides_them_anew(
    ground: Crossing,
) -> None:
    ground.load(SHARED)
    producer, stream = ground.udp("storage", PRODUCER, 111), ground.udp("shop", FIRST, 999)
    assert passes(stream, (PRODUCER, 111), producer) == OWN
    ground.load(replace(SHARED, shared=()))
    assert passes(stream, (PRODUCER, 111), producer) == ""
    ground.run("fw", "ip", "address", "add", "10.128.0.101/32", "dev", "bridge3982")
    again = replace(STORAGE, addresses=ips("10.128.0.101"))
    ground.load(replace(SHARED, shared=(again,)))
    assert passes(stream, (PRODUCER, 111), producer) == "10.128.0.101"


def test_vxlan_of_the_fabric_is_not_tracked(ground: Crossing) -> None:
    ground.load(replace(SHARED, uplinks=("bridge3982",), underlay_prefixes=nets("10.128.0.0/22")))
    fabric, here = ground.udp("storage", PRODUCER, 4789), ground.udp("fw", OWN, 4789)
    assert passes(fabric, (OWN, 4789), here) == PRODUCER
    assert passes(here, (PRODUCER, 4789), fabric) == OWN
    assert ground.run("fw", "cat", "/proc/net/nf_conntrack") == ""
    stranger = ground.udp("outside", "203.0.113.1", 4789)
    assert passes(stranger, ("203.0.113.3", 4789), here) == ""
