"""Revisions: compared with each other and the firewall, and deleted where nobody needs them."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from firewalls import tasks
from firewalls.intent.revisions import files_on_firewall, prune, refresh
from firewalls.models import (
    Drift,
    Firewall,
    Member,
    Observation,
    Push,
    Revision,
    Rollout,
    Touched,
)
from firewalls.pushing import rollouts
from networks.models import Activity, Network, Partition
from tests.api import Api, codes
from tests.firewalls.test_api import path
from tests.world import World, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def fra() -> World:
    fra = world()
    fra.private("shop", fra.shop)
    return fra


@pytest.fixture
def firewall(fra: World) -> Firewall:
    return fra.firewall("shop-fw", fra.shop, Network.objects.get(pk="shop"), fra.internet)


def old(firewall: Firewall, number: int, days: int = 1000) -> Revision:
    revision = Revision.objects.create(
        firewall=firewall,
        number=number,
        digest=str(number),
        files={"/etc/hostname": f"{number}\n"},
        cause="x",
    )
    created = timezone.now() - timedelta(days=days)
    Revision.objects.filter(pk=revision.pk).update(created_at=created)
    return revision


def numbers(firewall: Firewall) -> list[int]:
    return sorted(firewall.revisions.values_list("number", flat=True))


class TestPruning:
    def test_keeps_the_newest_and_the_young(self, firewall: Firewall, settings: Any) -> None:
        settings.REVISIONS_KEPT = 3
        for number in range(2, 8):
            old(firewall, number, days=1 if number == 2 else 1000)
        assert prune() == 2
        assert numbers(firewall) == [1, 2, 5, 6, 7]  # 1 is wanted

    def test_keeps_what_was_pushed_or_is_waiting_to_be(
        self, firewall: Firewall, settings: Any
    ) -> None:
        settings.REVISIONS_KEPT = 0
        applied, pushed, instead, _spare = (old(firewall, number) for number in range(2, 6))
        Observation.objects.filter(pk=firewall.pk).update(applied=applied)
        Push.objects.create(
            firewall=firewall, revision=pushed, state="refused", finished_at=timezone.now()
        )
        Push.objects.create(firewall=firewall, instead_of=instead)
        tasks.prune()
        assert numbers(firewall) == [1, 2, 3, 4]

    def test_numbers_are_not_given_again(self, firewall: Firewall, settings: Any) -> None:
        settings.REVISIONS_KEPT = 1
        old(firewall, 2), old(firewall, 3)
        prune()
        Firewall.objects.filter(pk=firewall.pk).update(uplinks=["lan7"])
        refresh([firewall.pk], cause="another uplink", by="ada")
        assert numbers(firewall) == [1, 3, 4]

    def test_is_in_the_audit_trail(self, firewall: Firewall, settings: Any) -> None:
        settings.REVISIONS_KEPT = 0
        old(firewall, 2)
        prune()
        assert Activity.objects.filter(kind="revision", verb="removed").get().label == "shop-fw #2"


class TestDiffs:
    def test_between_any_two_and_what_lies_on_the_box(self, firewall: Firewall) -> None:
        api, two, three = Api("viewer"), old(firewall, 2), old(firewall, 3)
        Observation.objects.filter(pk=firewall.pk).update(applied=two)
        Drift.objects.create(
            firewall=firewall,
            found={"/etc/hostname": ["2\n", "mine\n"], "nftables, running": ["a", "b"]},
            digest="x",
            found_at=timezone.now(),
        )
        firewall.refresh_from_db()
        assert files_on_firewall(firewall) == {"/etc/hostname": "mine\n"}
        between = api.get(path(firewall, "diff/?from=2&to=3")).json()
        assert (between["from"], between["to"]) == (2, 3) and "-2\n+3\n" in between["files"][
            "/etc/hostname"
        ]
        drifted = api.get(path(firewall, "diff/?from=applied&to=box")).json()
        assert drifted["to"] is None and "-2\n+mine\n" in drifted["files"]["/etc/hostname"]
        assert (
            "-mine\n+3\n"
            in api.get(path(firewall, f"diff/?from=box&to={three.number}")).json()["files"][
                "/etc/hostname"
            ]
        )
        assert codes(api.get(path(firewall, "diff/?from=boxes"))) == {"from": ["invalid_revision"]}

    def test_a_file_that_is_gone_from_the_box_is_not_there(self, firewall: Firewall) -> None:
        Observation.objects.filter(pk=firewall.pk).update(applied=old(firewall, 2))
        Drift.objects.create(
            firewall=firewall,
            found={"/etc/hostname": ["2\n", ""]},
            digest="x",
            found_at=timezone.now(),
        )
        firewall.refresh_from_db()
        assert files_on_firewall(firewall) == {}

    def test_without_anything_applied_the_box_is_unknown_and_empty(
        self, firewall: Firewall
    ) -> None:
        assert files_on_firewall(firewall) == {}


class TestCost:
    """As many queries for many firewalls as for few."""

    @pytest.fixture
    def many(self, fra: World, published: list[str]) -> list[Firewall]:
        Partition.objects.update(auto_push=True)
        shop = Network.objects.get(pk="shop")
        return [
            fra.firewall(f"fw-{number}", fra.shop, shop, fra.internet, host="192.0.2.1")
            for number in range(12)
        ]

    def test_of_a_refresh(self, many: list[Firewall]) -> None:
        def cost(firewalls: list[Firewall], name: str) -> int:
            Firewall.objects.update(uplinks=[name])
            with CaptureQueriesContext(connection) as captured:
                assert len(refresh([row.pk for row in firewalls], "x")) == len(firewalls)
            return len(captured)

        assert cost(many[:2], "lan7") == cost(many, "lan8")
        assert Revision.objects.filter(firewall=many[0]).count() == 3
        assert Revision.objects.filter(firewall=many[0]).first() == many[0].revisions.get(number=3)

    def test_of_what_is_wanted_before_again(self, many: list[Firewall]) -> None:
        before = dict(Firewall.objects.values_list("pk", "wanted"))
        for name in ("lan7", "lan0"):
            Firewall.objects.update(uplinks=[name, "lan1"])
            refresh([row.pk for row in many], "x")
        assert dict(Firewall.objects.values_list("pk", "wanted")) == before

    def test_of_reconcile(self, many: list[Firewall]) -> None:
        def cost(firewalls: list[Firewall]) -> int:
            tasks.reconcile()
            Rollout.objects.all().delete()
            Push.objects.all().delete()
            Firewall.objects.exclude(pk__in=[row.pk for row in firewalls]).update(host="")
            Touched.objects.all().delete()
            with CaptureQueriesContext(connection) as captured:
                tasks.reconcile()
            assert Member.objects.count() == len(firewalls)
            return len(captured)

        assert cost(many) == cost(many[:2])

    def test_of_a_rollout_of_given_revisions(self, many: list[Firewall]) -> None:
        given = {row.pk: row.revisions.get() for row in many}

        def cost(firewalls: list[Firewall]) -> int:
            Push.objects.all().delete()
            with CaptureQueriesContext(connection) as captured:
                rollouts.start(firewalls, cause="x", sizes=["rest"], revisions=given)
            pushes = Push.objects.filter(state="queued")
            assert {push.firewall_id: push.revision for push in pushes} == {
                row.pk: given[row.pk] for row in firewalls
            }
            return len(captured)

        assert cost(many) == cost(many[:2])
