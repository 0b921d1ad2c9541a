"""What a change costs a worker: reconcile with many firewalls, and a network's second family."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from firewalls import tasks
from firewalls.models import Attachment, Firewall, Member, Push, Rollout, Touched
from machines.models import Machine
from networks.allocation import grow
from networks.models import Address, Prefix
from tests.bench import serving
from tests.world import World, world

FIREWALLS = 2000
CHANGED = (0, 20, 2000)
MACHINES = 1000


def reconcile() -> Iterator[dict[str, float]]:
    """Yield a row for each number of firewalls that a change concerns.

    All of them are pushed to by themselves, so each of these is a member of a rollout.
    """
    with serving.database(), serving.connected():
        _build_firewalls(world(fabric="10.4.0.0/16"), FIREWALLS)
        tasks.reconcile()
        for changed in CHANGED:
            _settle_all()
            _change(changed)
            taken = cost(tasks.reconcile)
            assert Member.objects.count() == changed
            yield {"firewalls": FIREWALLS, "changed": changed, **taken}


def give_second_family() -> Iterator[dict[str, float]]:
    """Yield a row: what giving a network of many machines its second family costs."""
    with serving.database(), serving.connected():
        fra = world(v6="2001:db8::/48")
        net = fra.private("shop", fra.shop, prefix_length={4: 20})
        common = {"partition": fra.partition, "project": fra.shop, "primary": net}
        machines = Machine.objects.bulk_create(
            Machine(name=f"m-{number}", asn=4_210_000_100 + number, **common)
            for number in range(MACHINES)
        )
        _give_addresses(machines, net.prefixes.get(), fra)
        taken = cost(lambda: grow(net, version=6, prefix_length=64))
        assert Address.objects.filter(address__family=6).count() == MACHINES
        yield {"machines": MACHINES, **taken}


def _build_firewalls(fra: World, count: int) -> None:
    """Written by the row, for speed: each is as create_firewall leaves it."""
    type(fra.partition).objects.update(auto_push=True)
    net = fra.private("shop", fra.shop, prefix_length={4: 18})
    common = {"partition": fra.partition, "project": fra.shop, "primary": net}
    with transaction.atomic():
        machines = Machine.objects.bulk_create(
            Machine(name=f"fw-{number}", asn=4_210_000_100 + number, **common)
            for number in range(count)
        )
        rows = Firewall.objects.bulk_create(
            Firewall(machine=machine, host="192.0.2.1") for machine in machines
        )
        Attachment.objects.bulk_create(Attachment(firewall=row, network=fra.fabric) for row in rows)
        for prefix in (net.prefixes.get(), fra.fabric.prefixes.get()):
            _give_addresses(machines, prefix, fra)


def _give_addresses(machines: list[Machine], prefix: Prefix, fra: World) -> None:
    first = prefix.cidr.network_address + 10
    Address.objects.bulk_create(
        Address(address=first + number, machine=machine, prefix=prefix, project=fra.shop)
        for number, machine in enumerate(machines)
    )


def _settle_all() -> None:
    """As if all were pushed."""
    Push.objects.all().delete()
    Rollout.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE firewalls_observation SET applied_id = wanted_id"
            " FROM firewalls_firewall WHERE machine_id = firewall_id"
        )
    Touched.objects.all().delete()


def _change(count: int) -> None:
    """So many firewalls have another uplink."""
    keys = list(Firewall.objects.order_by("pk").values_list("pk", flat=True)[:count])
    Firewall.objects.filter(pk__in=keys).update(uplinks=[f"lan{count}"])


def cost(work: Callable[[], Any]) -> dict[str, float]:
    """Seconds, those of this process's processor, and queries."""
    began, processor = time.perf_counter(), time.process_time()
    with CaptureQueriesContext(connection) as captured:
        work()
    return {
        "seconds": round(time.perf_counter() - began, 3),
        "core_seconds": round(time.process_time() - processor, 3),
        "queries": len(captured),
    }
