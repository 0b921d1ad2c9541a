"""`manage.py bench`: how fast the core is, each figure beside the bare work that limits it, measured in the same run.

Everything happens in one transaction that is rolled back; figures are for comparing, never a test.
"""

import json
import time
from collections.abc import Callable
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection, transaction

from firewalls.plan import Facts, Net, Rule, plan
from firewalls.render import digest, render
from networks.allocation import allocate
from networks.models import Network, Partition, Prefix, Project

FIREWALLS, ALLOCATIONS, TAKEN = 1000, 200, (0, 1000, 10_000)
_INSERT = """
INSERT INTO networks_address (address, prefix_id, project_id, kind, name, description) VALUES (%s, %s, 'bench', 'static', '', '')
"""


class Command(BaseCommand):
    help = "Measure rendering and allocation, and print one table each."

    def handle(self, *args: Any, **options: Any) -> None:
        results = {"render": _rendering(), "allocate": _allocation()}
        for name, rows in results.items():
            self.stdout.write(f"\n{name}")
            for row in rows:
                self.stdout.write("  " + "  ".join(f"{key} {value:,}" for key, value in row.items()))
        path = settings.VAR / "bench.json"
        path.write_text(json.dumps(results, indent=2))
        self.stdout.write(f"\nwritten to {path}")


def _rendering() -> list[dict[str, float]]:
    """Plans and texts of many firewalls, beside the digest of the same texts."""
    facts = [_facts(number) for number in range(FIREWALLS)]
    seconds, files = _timed(lambda: [render(plan(one)) for one in facts])
    bare, _ = _timed(lambda: [digest(one) for one in files])
    rate = round(FIREWALLS / seconds)
    return [{"firewalls": FIREWALLS, "seconds": seconds, "per_second": rate, "times_the_digest": round(seconds / bare, 1)}]


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


def _allocation() -> list[dict[str, float]]:
    """Allocations per second in a /16 with so many addresses taken, beside the bare inserts."""
    return [row for taken in TAKEN if (row := _allocations(taken))]


def _allocations(taken: int) -> dict[str, float]:
    with transaction.atomic():
        network, prefix = _network()
        first = int(prefix.cidr.network_address) + 1
        with connection.cursor() as cursor:
            cursor.executemany(_INSERT, [(str(ip_address(first + n)), prefix.pk) for n in range(taken)])
            high = first + 40_000
            bare, _ = _timed(lambda: [cursor.execute(_INSERT, [str(ip_address(high + n)), prefix.pk]) for n in range(ALLOCATIONS)])
        project = Project.objects.get(pk="bench")
        seconds, _ = _timed(lambda: [allocate(network, project=project) for _ in range(ALLOCATIONS)])
        transaction.set_rollback(True)
    return {"taken": taken, "per_second": round(ALLOCATIONS / seconds), "bare_inserts_per_second": round(ALLOCATIONS / bare),
            "ratio": round(seconds / bare, 1)}  # fmt: skip


def _network() -> tuple[Network, Prefix]:
    Partition(id="bench", name="bench").save()
    Project(id="bench", name="bench").save()
    network = Network(id="bench", kind=Network.Kind.EXTERNAL, vrf=16_000_000)
    network.save()
    prefix = Prefix(network=network, cidr="198.18.0.0/16")
    prefix.save()
    return network, prefix


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work()
    return round(time.perf_counter() - began, 4), result
