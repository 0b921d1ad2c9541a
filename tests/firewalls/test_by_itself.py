"""What is wanted is pushed by itself by rollouts: a canary first, then waves, and a stop."""

from collections.abc import Iterable

import pytest
from django.utils import timezone

from firewalls import tasks
from firewalls.allocation import join
from firewalls.device.transport import Outcome, TransportError
from firewalls.intent import changes
from firewalls.models import Firewall, Observation, Push, Rollout
from firewalls.pushing import rollouts
from firewalls.pushing.claiming import claim_push
from firewalls.pushing.settling import settle
from networks.models import Partition
from tests.api import Api, codes
from tests.pages import says, visitor
from tests.threads import at_once
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)

CONFIRMED = Outcome(Push.State.CONFIRMED)
REFUSED = Outcome(Push.State.REFUSED, "no")
SILENT = TransportError("does not answer", unreachable=True)


@pytest.fixture
def twelve(fra: World, published: list[str]) -> list[Firewall]:
    """Firewalls that have what is wanted of them, in a partition that pushes by itself."""
    shop = fra.private("shop", fra.shop)
    names = [f"fw{number:02}" for number in range(12)]
    made = [fra.firewall(name, fra.shop, shop, host="192.0.2.1") for name in names]
    for firewall in Firewall.objects.all():
        Observation.objects.filter(pk=firewall.pk).update(
            applied=firewall.wanted, checked_at=timezone.now(), check_due_at=timezone.now()
        )
    Partition.objects.update(auto_push=True)
    return made


def changed(*servers: str) -> None:
    """Something is wanted of all of them, and reconcile sees that."""
    partition = Partition.objects.get()
    partition.ntp_servers = list(servers)
    partition.save()
    tasks.reconcile()


def go(result: Outcome | TransportError = CONFIRMED) -> list[str]:
    """Whatever waits is pushed, and ends so; the names of those."""
    names = []
    for queued in list(Push.objects.filter(state="queued").order_by("created_at")):
        push = claim_push(queued.pk)
        assert push
        if push.revision is None:
            push.revision = Firewall.objects.get(pk=push.firewall_id).wanted
            push.save(update_fields=["revision"])
        settle(push, result, [])
        names.append(push.firewall.name)
    return sorted(names)


def waiting() -> int:
    return Push.objects.filter(state="queued").count()


def states(rows: Iterable[Rollout]) -> list[str]:
    return [row.state for row in rows]


class TestIt:
    def test_begins_with_a_canary_and_goes_in_waves(self, twelve: list[Firewall]) -> None:
        changed("192.0.2.7")
        rollout = Rollout.objects.get()
        assert (rollout.partition_id, rollout.created_by) == ("fra", "reconcile")
        assert [len(go()) for _ in range(3)] == [1, 2, 9]
        tasks.reconcile()
        rollout = Rollout.objects.get()
        assert rollout.state == "finished" and not Push.objects.open().exists()
        assert Push.objects.filter(rollout=rollout, requested_by="reconcile").count() == 12

    def test_goes_in_the_waves_of_its_partition_and_as_many_may_fail_as_that_says(
        self, twelve: list[Firewall]
    ) -> None:
        Partition.objects.update(auto_waves="3, 50%, rest", auto_max_failures=9)
        changed("192.0.2.7")
        assert [len(go()), len(go(REFUSED)), len(go(REFUSED))] == [3, 6, 3]
        rollout = Rollout.objects.get()
        assert (rollout.waves, rollout.max_failures) == ([3, "50%", "rest"], 9)
        assert rollout.state == "finished", "nine have failed, and nine may"

    def test_stops_at_the_first_that_fails_and_does_not_begin_again_by_itself(
        self, twelve: list[Firewall]
    ) -> None:
        changed("192.0.2.7")
        assert go(REFUSED) == ["fw00"]
        for _ in range(3):
            tasks.reconcile()
        rollout = Rollout.objects.get()
        assert rollout.state == "stopped" and not Push.objects.open().exists()
        assert rollout.reason == (
            "It stopped when 1 had failed, and none may. It does not begin again by itself:"
            " retry and resume it, or change what is wanted."
        )
        assert says(visitor().get(f"/rollouts/{rollout.pk}/"), "does not begin again by itself")

    def test_begins_again_once_something_else_is_wanted(self, twelve: list[Firewall]) -> None:
        changed("192.0.2.7")
        go(REFUSED)
        changed("192.0.2.8")
        assert states(Rollout.objects.order_by("created_at")) == ["stopped", "running"]
        assert go() == ["fw01"], "not with the one that failed"
        assert waiting() == 2

    def test_is_retried_and_resumed_by_a_person(self, twelve: list[Firewall]) -> None:
        changed("192.0.2.7")
        go(REFUSED)
        operator, rollout = Api("operator"), Rollout.objects.get()
        place = f"rollouts/{rollout.pk}/"
        assert operator.post(f"{place}retry/").json()["state"] == "paused"
        tasks.reconcile()
        assert go() == ["fw00"]
        tasks.reconcile()
        assert not waiting(), "the others wait for a person"
        assert operator.post(f"{place}resume/").json()["state"] == "running"
        assert [len(go()) for _ in range(2)] == [2, 9]
        assert states(Rollout.objects.all()) == ["finished"]

    def test_stopped_by_a_person_stays_so(self, twelve: list[Firewall]) -> None:
        changed("192.0.2.7")
        rollouts.stop(Rollout.objects.get(), "ada")
        tasks.reconcile()
        assert Rollout.objects.get().state == "stopped" and not waiting()
        rollouts.resume(Rollout.objects.get(), "ada")
        assert go() == ["fw00"]

    def test_takes_up_what_changes_meanwhile_with_the_next_one(
        self, twelve: list[Firewall]
    ) -> None:
        changed("192.0.2.7")
        go()
        changed("192.0.2.8")
        assert Rollout.objects.count() == 1, "one at a time"
        go(), go()
        tasks.reconcile()
        assert states(Rollout.objects.order_by("created_at")) == ["finished", "running"]
        while waiting():
            go()
        tasks.reconcile()
        assert not Firewall.objects.behind().exists() and Rollout.objects.count() == 2

    def test_is_not_stopped_by_a_firewall_that_does_not_answer(
        self, twelve: list[Firewall]
    ) -> None:
        changed("192.0.2.7")
        assert go(SILENT) == ["fw00"]
        assert go() == ["fw01"], "another canary"
        go(), go()
        assert Rollout.objects.get().state == "finished"
        Observation.objects.update(unreachable_since=None)  # it answers again
        tasks.reconcile()
        assert go() == ["fw00"] and Rollout.objects.count() == 2

    def test_leaves_alone_what_somebody_chose(self, twelve: list[Firewall]) -> None:
        changed("192.0.2.7")
        row = Firewall.objects.get(machine__name="fw05")
        Push.objects.enqueue(row, by="eve", revision=row.revisions.get(number=1))
        while waiting():
            go()
        tasks.reconcile()
        assert Rollout.objects.get().state == "finished" and not waiting()
        chosen = Observation.objects.get(pk=row.pk).applied
        assert chosen and chosen.number == 1

    def test_brings_a_box_that_was_replaced_what_was_left(self, twelve: list[Firewall]) -> None:
        changed("192.0.2.7")
        go(REFUSED)
        row = Firewall.objects.get(machine__name="fw03")
        Push.objects.enqueue(row, by="ada")
        go()
        Observation.objects.filter(pk=row.pk).update(applied=None)
        tasks.reconcile()
        assert go() == ["fw03"]

    def test_stops_where_a_partition_does_so_no_more(self, twelve: list[Firewall]) -> None:
        changed("192.0.2.7")
        Partition.objects.update(auto_push=False)
        tasks.reconcile()
        rollout = Rollout.objects.get()
        assert rollout.state == "stopped" and not waiting()
        assert "is pushed by itself any more" in rollout.reason
        answer = Api("operator").post(f"rollouts/{rollout.pk}/resume/")
        assert codes(answer, 409) == {"state": ["no_auto_push"]}


class TestWhatItSays:
    def test_is_what_changed(self, twelve: list[Firewall], fra: World) -> None:
        storage = fra.private("storage", fra.storage, shared=True)
        for firewall in twelve[:2]:
            join(firewall, storage)
        tasks.reconcile()
        rollout = Rollout.objects.get()
        assert rollout.cause == "fra, by itself: fw00 joined storage; fw01 joined storage"
        assert rollout.members.count() == 2
        shown = Api("viewer").get("rollouts/?automatic=fra").json()["results"]
        assert [one["automatic"] for one in shown] == ["fra"]
        assert Api("viewer").get("rollouts/?automatic=null").json()["count"] == 0
        page = visitor().get("/rollouts/")
        assert says(page, "fw00 joined storage") and says(page, "by itself")

    def test_names_few_of_many_changes(self, twelve: list[Firewall], fra: World) -> None:
        storage = fra.private("storage", fra.storage, shared=True)
        tasks.reconcile()
        for number in range(12):  # each alone in its network, so that it changes no sibling
            home = fra.private(f"home{number:02}", fra.shop)
            join(fra.firewall(f"alone{number:02}", fra.shop, home, host="192.0.2.1"), storage)
        tasks.reconcile()
        assert Rollout.objects.get().cause.endswith("alone02 joined storage; and 9 more")


def test_two_workers_begin_one(twelve: list[Firewall]) -> None:
    partition = Partition.objects.get()
    partition.ntp_servers = ["192.0.2.7"]
    partition.save()
    changes.catch_up()
    at_once(*[rollouts.begin_behind for _ in range(4)])
    assert Rollout.objects.count() == 1 and waiting() == 1


def test_another_is_not_resumed_beside_one(twelve: list[Firewall]) -> None:
    changed("192.0.2.7")
    go(REFUSED)
    changed("192.0.2.8")
    stopped = Rollout.objects.get(state="stopped")
    place = f"rollouts/{stopped.pk}/"
    assert codes(Api("operator").post(f"{place}retry/"), 409) == {"state": ["another_is_open"]}
    assert codes(Api("operator").post(f"{place}resume/"), 409) == {"state": ["failed"]}
