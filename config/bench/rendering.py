"""Plans and texts of many firewalls, beside the digest of the same texts."""

import time
from collections.abc import Iterator
from ipaddress import IPv4Address, ip_address, ip_network

from firewalls.plan import Facts, Net, Rule, plan
from firewalls.render import digest, render

FIREWALLS = 1000


def render_configurations() -> Iterator[dict[str, float]]:
    """How many configurations are rendered per second, and how many times as long it takes as their digests."""
    facts = [_facts(number) for number in range(FIREWALLS)]
    began = time.perf_counter()
    files = [render(plan(one)) for one in facts]
    seconds = time.perf_counter() - began
    began = time.perf_counter()
    for one in files:
        digest(one)
    bare = time.perf_counter() - began
    yield {
        "firewalls": FIREWALLS, "seconds": round(seconds, 4), "per_second": round(FIREWALLS / seconds),
        "times_the_digest": round(seconds / bare, 1),
    }  # fmt: skip


def _facts(number: int) -> Facts:
    base = int(ip_address("10.128.0.0")) + number * 1024
    private = Net("private", "private", 1000 + number, (ip_network((base, 22)),), (ip_address(base + 2),))
    shared = tuple(
        Net(f"shared-{n}", "shared", 100 + n, (ip_network(f"10.64.{n * 4}.0/22"),), (ip_address(f"10.64.{n * 4}.9"),), shared=True)
        for n in range(3)
    )
    outside = ip_network("203.0.113.0/24")
    internet = Net("internet", "internet", 104009, (outside,), (ip_address("203.0.113.9"),), (ip_network("0.0.0.0/0"),), nat=True)
    rule = Rule("egress", "tcp", ("443",), (), (ip_network("0.0.0.0/0"),), "https")
    return Facts(
        f"fw-{number}", 4210000000 + number, IPv4Address("10.4.0.9"), (ip_network("10.4.0.0/16"),), ("lan0", "lan1"),
        private, shared, (internet,), (ip_network("192.0.2.0/24"),), (rule,),
    )  # fmt: skip
