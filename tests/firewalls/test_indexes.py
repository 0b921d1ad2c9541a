"""What every page and every worker asks for, few rows among many, is found by an index of its own.

There are many rows, and PostgreSQL knows it. In tables that are almost empty, or whose statistics
say so, all indexes cost alike, and which one is used depends on when autovacuum was there last.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from firewalls.models import Firewall, Observation, Push
from machines.models import Machine
from tests.world import world

pytestmark = pytest.mark.django_db
FIREWALLS, PUSHES_OF_EACH, FEW = 300, 4, 3


@pytest.fixture
def many() -> list[Firewall]:
    """Firewalls that are well, and were pushed to often; of the first few, nothing is."""
    fra, now = world(), timezone.now()
    shop = fra.private("shop", fra.shop)
    common: dict[str, Any] = {"partition": fra.partition, "project": fra.shop, "primary": shop}
    machines = Machine.objects.bulk_create(
        Machine(name=f"fw-{n:03}", asn=4_210_000_100 + n, **common) for n in range(FIREWALLS)
    )
    firewalls = Firewall.objects.bulk_create(
        Firewall(machine=machine, host="192.0.2.7") for machine in machines
    )
    Push.objects.bulk_create(
        Push(firewall=firewall, state="confirmed", finished_at=now - timedelta(days=ago))
        for firewall in firewalls
        for ago in range(1, PUSHES_OF_EACH)
    )
    Observation.objects.update(check_due_at=now + timedelta(days=1))
    ill = [firewall.pk for firewall in firewalls[:FEW]]
    Push.objects.bulk_create(Push(firewall_id=pk, state="refused", finished_at=now) for pk in ill)
    Push.objects.bulk_create(Push(firewall_id=pk) for pk in ill)
    Observation.objects.filter(pk__in=ill).update(check_due_at=now, drifted_at=now)
    return firewalls


@pytest.mark.usefixtures("many")
def test_few_among_many_are_found_by_their_own_index() -> None:
    own: dict[str, Callable[[], QuerySet[Any]]] = {
        "push_open": Push.objects.open,
        "push_broken": Push.objects.broken_last,
        "observation_marked": Firewall.objects.in_trouble,
        "observation_due": lambda: Observation.objects.filter(check_due_at__lte=timezone.now()),
    }
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE firewalls_push, firewalls_observation, firewalls_firewall")
        cursor.execute("SET LOCAL enable_seqscan = off")  # which is cheaper for so few hundred
    plans = {index: rows().explain() for index, rows in own.items()}
    assert {index: plan for index, plan in plans.items() if index not in plan} == {}
