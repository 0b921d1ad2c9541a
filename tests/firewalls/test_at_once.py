"""A rollout may have so many pushes under way at a time, whatever its waves."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from firewalls.models import Firewall, Push, Rollout
from firewalls.pushing import claiming, rollouts
from tests.api import Api, codes
from tests.firewalls.rolling_out import rolled_out
from tests.pages import says, visitor
from tests.world import World, world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("published")]


@pytest.fixture
def walls() -> list[Firewall]:
    fra: World = world()
    return [
        fra.firewall(f"fw{n}", fra.shop, fra.private(f"net{n}", fra.shop), host="192.0.2.1")
        for n in range(6)
    ]


def begun(walls: list[Firewall], at_once: int | None = 2) -> Rollout:
    """One whose canary is confirmed; the other five are next."""
    made = rollouts.start(walls, cause="all", by="ada", sizes=[1, "rest"], at_once=at_once)
    ended(made, *claiming.claim_pushes(10))
    return made


def ended(rollout: Rollout, *pushes: Push, state: str = "confirmed") -> None:
    for push in pushes:
        Push.objects.filter(pk=push.pk).update(state=state, finished_at=Now())
        rollouts.advance(rollout.pk)


class TestARollout:
    def test_has_no_more_than_so_many_under_way(self, walls: list[Firewall]) -> None:
        rollout = begun(walls)
        first = claiming.claim_pushes(10)
        assert len(first) == 2 and claiming.claim_pushes(10) == []
        ended(rollout, first[0])
        second = claiming.claim_pushes(10)
        assert len(second) == 1
        ended(rollout, first[1], *second)
        while waiting := claiming.claim_pushes(10):
            assert len(waiting) <= 2
            ended(rollout, *waiting)
        shown = Rollout.objects.with_progress().get()
        assert (shown.state, shown.confirmed) == ("finished", 6)

    def test_has_whole_waves_under_way_without(self, walls: list[Firewall]) -> None:
        begun(walls, at_once=None)
        assert len(claiming.claim_pushes(10)) == 5

    def test_keeps_to_the_limit_of_the_partition_as_well(self, walls: list[Firewall]) -> None:
        partition = walls[0].partition
        partition.pushes_at_once = 1
        partition.save()
        begun(walls, at_once=3)
        assert len(claiming.claim_pushes(10)) == 1

    def test_that_is_paused_says_how_many_go_to_their_end(self, walls: list[Firewall]) -> None:
        rollout = begun(walls)
        assert len(claiming.claim_pushes(10)) == 2
        rollouts.pause(rollout, "ada")
        page = visitor("operator").get(f"/rollouts/{rollout.pk}/")
        assert says(page, "Pausing: 2 still go to their end") and says(page, "at most 2 at once")

    def test_tries_again_no_more_than_so_many_together(self, walls: list[Firewall]) -> None:
        rollout = rollouts.start(walls, cause="all", sizes=["rest"], max_failures=6, at_once=2)
        while waiting := claiming.claim_pushes(10):
            ended(rollout, *waiting, state="refused")
        rollouts.retry(rollout, "ada")
        again = claiming.claim_pushes(10)
        assert len(again) == 2
        while again:
            ended(rollout, *again)
            rollout.refresh_from_db()
            if rollout.state == "paused":
                rollouts.resume(rollout, "ada")
            again = claiming.claim_pushes(10)
            assert len(again) <= 2
        assert Rollout.objects.with_progress().get().confirmed == 6

    def test_takes_a_number_that_is_one_at_least(self, walls: list[Firewall]) -> None:
        rollout = begun(walls)
        with pytest.raises(IntegrityError), transaction.atomic():
            Rollout.objects.filter(pk=rollout.pk).update(at_once=0)


class TestAsking:
    def test_on_the_page(self, walls: list[Firewall]) -> None:
        client = visitor("operator")
        query = f"firewall={walls[0].pk}&firewall={walls[1].pk}"
        page = rolled_out(client, query, at_once="0")
        assert page.status_code == 422 and not Rollout.objects.exists()
        assert 'id="at-once-error"' in page.content.decode()
        assert rolled_out(client, query, at_once="7").status_code == 302
        assert Rollout.objects.get().at_once == 7

    def test_over_rest(self, walls: list[Firewall]) -> None:
        body = {"firewalls": [str(wall.pk) for wall in walls], "at_once": 3}
        made = Api("operator").post("rollouts/", body)
        assert made.status_code == 202 and made.json()["at_once"] == 3
        assert Api().get("rollouts/?at_once=3").json()["count"] == 1
        assert codes(Api("operator").post("rollouts/", {**body, "at_once": 0}))["at_once"]
