"""The place of a joined network among those of its firewall, which others do not move."""

import pytest
from django.db import IntegrityError, connection, transaction

from firewalls.allocation import join, leave
from firewalls.intent.facts import facts
from firewalls.models import Firewall
from networks.models import Network
from tests.world import World, world

pytestmark = pytest.mark.django_db


def places(firewall: Firewall) -> dict[str, int]:
    return dict(firewall.attachments.values_list("network_id", "place"))


@pytest.fixture
def fra() -> World:
    return world()


@pytest.fixture
def firewall(fra: World) -> Firewall:
    return fra.firewall("shop-fw", fra.shop, fra.private("shop", fra.shop), fra.internet)


def joined(fra: World, firewall: Firewall, name: str) -> Network:
    shared = fra.private(name, fra.storage, shared=True)
    join(firewall, shared)
    return shared


def test_the_lowest_free_place_is_given_and_nobody_else_is_moved(
    fra: World, firewall: Firewall
) -> None:
    first, second = joined(fra, firewall, "first"), joined(fra, firewall, "second")
    before = places(firewall)
    assert before[second.pk] == before[first.pk] + 1
    leave(firewall, first)
    third = joined(fra, firewall, "third")
    assert places(firewall)[third.pk] == before[first.pk]
    assert places(firewall)[second.pk] == before[second.pk]


def test_the_plan_numbers_by_it_and_the_primary_is_nought(fra: World, firewall: Firewall) -> None:
    shared = joined(fra, firewall, "shared")
    of_firewall = facts([firewall.pk])[firewall.pk]
    assert of_firewall.primary.place == 0
    assert [net.place for net in of_firewall.shared] == [places(firewall)[shared.pk]]


def test_hand_written_sql_gets_one_too_and_changes_none(fra: World, firewall: Firewall) -> None:
    shared = fra.private("shared", fra.storage, shared=True)
    taken = set(places(firewall).values())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO firewalls_attachment (firewall_id, network_id, place, created_at)"
            " VALUES (%s, %s, 1, now()) RETURNING place",
            [firewall.pk, shared.pk],
        )
        (place,) = cursor.fetchone()
    assert place not in taken
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE firewalls_attachment SET place = 77 WHERE place = %s", [place])
