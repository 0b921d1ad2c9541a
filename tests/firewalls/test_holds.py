"""A held firewall is not pushed to, by nobody; it is looked at as ever."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from firewalls import tasks
from firewalls.models import Firewall, Hold, Observation, Push, Rollout
from firewalls.models.push import BY_ITSELF
from firewalls.pushing import asking, claiming, holding, rollouts, waiting
from networks.common.validation import InUse
from networks.models import Activity
from tests.threads import while_open
from tests.world import World, world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("published")]
HOUR = timedelta(hours=1)
WHY = "the vendor looks into it"


@pytest.fixture
def fra() -> World:
    fra = world()
    fra.private("shop", fra.shop)
    return fra


def firewall(fra: World, name: str = "fw") -> Firewall:
    return fra.firewall(name, fra.shop, fra.pool.children.get(), fra.internet, host="192.0.2.1")


def hold(wall: Firewall) -> Hold:
    return holding.hold(wall, by="ada", reason=WHY)


def end_in_the_past(row: Hold) -> None:
    Hold.objects.filter(pk=row.pk).update(since=Now() - 2 * HOUR, until=Now() - HOUR)


def ended(push: Push, state: str = Push.State.CONFIRMED) -> None:
    Push.objects.filter(pk=push.pk).update(state=state, finished_at=Now())


class TestPushes:
    def test_are_refused_with_who_holds_it_and_why(self, fra: World) -> None:
        wall = firewall(fra)
        hold(wall)
        with pytest.raises(InUse) as caught:
            asking.ask(wall, by="eve")
        (error,) = caught.value.error_dict["firewall"]
        assert error.code == "held"
        assert error.message == f"fw is held by ada: {WHY}. End the hold first."
        assert not Push.objects.exists()

    def test_that_wait_are_withdrawn_and_say_why(self, fra: World) -> None:
        wall = firewall(fra)
        push = asking.ask(wall, by="eve")
        hold(wall)
        push.refresh_from_db()
        assert push.state == Push.State.SUPERSEDED and push.error == f"fw is held by ada: {WHY}"
        assert claiming.claim_pushes(10) == []

    def test_that_run_go_to_their_end_and_are_not_begun_again(self, fra: World) -> None:
        wall = firewall(fra)
        push = asking.ask(wall, by="eve")
        assert claiming.claim_pushes(10) == [push]
        hold(wall)
        push.refresh_from_db()
        assert push.state == Push.State.RUNNING
        Push.objects.update(heartbeat_at=Now() - HOUR)
        assert claiming.requeue_lost() == 1  # its worker died
        assert claiming.claim_pushes(10) == [] and claiming.claim_push(push.pk) is None
        push.refresh_from_db()
        reason = waiting.reason(push)
        assert reason and reason.code == "held" and reason.until is None
        holding.end(wall)
        assert claiming.claim_pushes(10) == [push]

    def test_do_not_start_by_themselves(self, fra: World) -> None:
        fra.partition.auto_push = True
        fra.partition.save()
        wall, free = firewall(fra), firewall(fra, "free")
        hold(wall)
        tasks.reconcile()
        assert {push.firewall for push in Push.objects.all()} == {free}
        with pytest.raises(InUse):
            Push.objects.enqueue(wall, by=BY_ITSELF)

    def test_do_not_slip_in_while_it_is_being_held(self, fra: World) -> None:
        wall = firewall(fra)
        _, refused = while_open(lambda: hold(wall), lambda: asking.ask(wall, by="eve"))
        assert isinstance(refused, InUse)
        assert not Push.objects.open().exists()

    def test_do_not_start_while_it_is_being_held(self, fra: World) -> None:
        wall = firewall(fra)
        asking.ask(wall, by="eve")
        _, claimed = while_open(lambda: hold(wall), lambda: claiming.claim_pushes(10))
        assert claimed == []
        assert not Push.objects.open().exists()

    def test_that_are_claimed_at_that_moment_are_running_and_not_withdrawn(
        self, fra: World
    ) -> None:
        wall = firewall(fra)
        push = asking.ask(wall, by="eve")
        claimed, _ = while_open(lambda: claiming.claim_pushes(10), lambda: hold(wall))
        push.refresh_from_db()
        assert claimed == [push] and push.state == Push.State.RUNNING


class TestAHold:
    def test_ends_by_itself_at_its_time_and_reconcile_writes_that_down(self, fra: World) -> None:
        wall = firewall(fra)
        row = holding.hold(wall, by="ada", reason=WHY, until=timezone.now() + HOUR)
        assert list(Firewall.objects.held()) == [wall]
        end_in_the_past(row)
        assert list(Firewall.objects.held()) == []
        assert Firewall.objects.select_related("hold").get().held is None
        assert claiming.claim_pushes(10) == [] and asking.ask(wall, by="eve")
        tasks.reconcile()
        assert not Hold.objects.exists()
        removed = Activity.objects.filter(kind="hold", verb="removed").get()
        assert removed.operation == "a hold has ended by itself"
        assert f"firewall:{wall.pk}" in removed.about

    def test_that_is_over_and_not_yet_removed_keeps_every_rule(self, fra: World) -> None:
        row = holding.hold(firewall(fra), by="ada", reason=WHY, until=timezone.now() + HOUR)
        end_in_the_past(row)
        Hold.objects.get().full_clean()

    def test_is_ended_by_a_person_once(self, fra: World) -> None:
        wall = firewall(fra)
        hold(wall)
        holding.end(wall)
        assert asking.ask(wall, by="eve")
        with pytest.raises(InUse):
            holding.end(wall)

    def test_is_in_the_history_of_its_firewall_with_its_reason(self, fra: World) -> None:
        wall = firewall(fra)
        hold(wall)
        row = Activity.objects.get(kind="hold")
        assert row.operation == "fw is held" and row.reason == WHY
        assert f"firewall:{wall.pk}" in row.about and row.changes["held_by"] == (None, "ada")

    def test_is_prolonged_by_holding_it_again(self, fra: World) -> None:
        wall = firewall(fra)
        hold(wall)
        holding.hold(wall, by="eve", reason="still", until=timezone.now() + HOUR)
        assert Hold.objects.get().held_by == "eve"

    @pytest.mark.parametrize(
        ("reason", "until", "field"), [("", None, "reason"), (WHY, -HOUR, "until")]
    )
    def test_takes_a_reason_and_a_time_to_come(
        self, fra: World, reason: str, until: timedelta | None, field: str
    ) -> None:
        with pytest.raises(ValidationError) as caught:
            ends = timezone.now() + until if until else None
            holding.hold(firewall(fra), by="ada", reason=reason, until=ends)
        assert field in caught.value.error_dict

    def test_is_held_to_that_by_the_database(self, fra: World) -> None:
        hold(firewall(fra))
        for wrong in ({"reason": ""}, {"until": Now() - 9 * HOUR}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Hold.objects.update(**wrong)

    def test_keeps_nobody_from_looking(self, fra: World) -> None:
        wall = firewall(fra)
        hold(wall)
        Observation.objects.update(check_due_at=Now() - HOUR)
        assert [job.firewall for job in claiming.claim_inspections(10)] == [wall]


class TestARollout:
    def test_passes_a_held_firewall_over_and_goes_on(self, fra: World) -> None:
        held, one, two = (firewall(fra, name) for name in ("held", "one", "two"))
        hold(held)
        rollout = rollouts.start([held, one, two], cause="all", by="eve", sizes=[1, "rest"])
        member = rollout.members.get(firewall=held)
        assert member.left_out == f"held is held by ada: {WHY}" and member.push is None
        pushed = set()
        while claimed := claiming.claim_pushes(10):  # the second wave
            for push in claimed:
                ended(push)
                pushed.add(push.firewall)
            rollouts.advance(rollout.pk)
        assert pushed == {one, two}
        shown = Rollout.objects.with_progress().get()
        assert shown.state == "finished"
        assert shown.reason == "1 was passed over, because somebody holds them."
        assert (shown.confirmed, shown.failed, shown.passed_over, shown.waiting) == (2, 0, 1, 0)

    def test_passes_it_over_also_where_others_of_its_wave_begin(self, fra: World) -> None:
        held, one = firewall(fra, "held"), firewall(fra, "one")
        hold(held)
        rollouts.start([held, one], cause="all", by="eve", sizes=["rest"])
        assert [push.firewall for push in claiming.claim_pushes(10)] == [one]
        assert not Push.objects.filter(firewall=held).exists(), "it would begin once it is let go"

    def test_passes_over_what_is_held_while_its_push_waits(self, fra: World) -> None:
        one, two = firewall(fra, "one"), firewall(fra, "two")
        rollout = rollouts.start([one, two], cause="all", by="eve", sizes=[1, "rest"])
        hold(one)
        assert rollout.members.get(firewall=one).left_out
        assert [push.firewall for push in claiming.claim_pushes(10)] == [two]

    def test_does_not_wait_for_a_push_that_lost_its_worker_and_is_held(self, fra: World) -> None:
        one = firewall(fra, "one")
        rollout = rollouts.start([one], cause="all", by="eve")
        claiming.claim_pushes(10)
        hold(one)
        Push.objects.update(heartbeat_at=Now() - HOUR)
        tasks.reconcile()
        rollout.refresh_from_db()
        assert rollout.state == "finished" and not Push.objects.open().exists()

    def test_takes_it_up_again_when_it_is_resumed(self, fra: World) -> None:
        one = firewall(fra, "one")
        hold(one)
        rollout = rollouts.start([one], cause="all", by="eve")
        assert rollout.state == "finished"
        holding.end(one)
        rollouts.resume(rollout, "eve")
        (push,) = claiming.claim_pushes(10)
        ended(push)
        rollouts.advance(rollout.pk)
        rollout.refresh_from_db()
        assert rollout.state == "finished" and rollout.reason == ""
