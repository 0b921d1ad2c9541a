"""Upgrades keep what was seen, and say of pushes that had failed no more than was known."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from firewalls.models import Firewall, Observation, Push
from tests.firewalls.pushes import push, state

pytestmark = pytest.mark.django_db(transaction=True)

ENDED = {
    "box refused at check-frr; nothing was changed: line 9": "refused",
    "box (192.0.2.7:22) does not answer: no route": "refused",
    "box could not be asked to keep its new configuration: x It goes back by itself 60 seconds"
    " after applying, but that was not seen.": "unseen",
    "box failed at load-frr and could not go back yet; it tries again by itself: no": "unseen",
    "Its worker died 5 times; push again to retry.": "unseen",
}


def _named(suffix: str) -> str:
    names = [name for app, name in MigrationExecutor(connection).loader.disk_migrations]
    (name,) = [name for name in names if name.endswith(suffix)]
    return name


@pytest.fixture
def upgrade() -> Iterator[Callable[[Callable[[], Any]], None]]:
    """Goes back to before the upgrade, has something done there, and upgrades."""
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()

    def around(before: Callable[[], Any]) -> None:
        loader = MigrationExecutor(connection).loader
        first = loader.disk_migrations["firewalls", _named("_observation")]
        (earlier,) = [name for app, name in first.dependencies if app == "firewalls"]
        MigrationExecutor(connection).migrate([("firewalls", earlier)])
        before()
        MigrationExecutor(connection).migrate(latest)

    yield around
    MigrationExecutor(connection).migrate(latest)


def test_what_was_seen_moves_there_and_back(
    firewall: Firewall, upgrade: Callable[[Callable[[], Any]], None]
) -> None:
    push(firewall)
    Observation.objects.update(silences=3, drift="/etc/a", offered_key="k", offered_for="p")
    before = Observation.objects.values().get()

    def edit() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT silences, drift, offered_key FROM firewalls_firewall")
            assert cursor.fetchall() == [(3, "/etc/a", "k")]
            cursor.execute("UPDATE firewalls_firewall SET silences = 4")

    upgrade(edit)
    assert Observation.objects.values().get() == before | {"silences": 4}
    assert state(firewall) == "in_sync"


def test_a_push_that_had_failed_was_refused_unless_nobody_saw_its_end(
    firewall: Firewall, upgrade: Callable[[Callable[[], Any]], None]
) -> None:
    def fail() -> None:
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO firewalls_push (id, firewall_id, state, error, steps, unanswered,"
                " attempts, requested_by, created_at, finished_at)"
                " VALUES (gen_random_uuid(), %s, 'failed', %s, '[]', false, 1, '', now(), now())",
                [[firewall.pk, error] for error in ENDED],
            )

    upgrade(fail)
    assert dict(Push.objects.values_list("error", "state")) == ENDED
