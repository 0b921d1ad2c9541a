"""When pushes may start: by the clock of a time zone, for automatic ones or for all."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from firewalls import tasks
from firewalls.configuration.windows import Span, next_opening
from firewalls.models import Choice, Firewall, Push, Window
from firewalls.models.push import BY_ITSELF
from firewalls.pushing import asking, claiming, waiting, windows
from firewalls.pushing.asking import Wish
from networks.models import Activity
from tests.world import World, world

BERLIN = "Europe/Berlin"
NIGHT = Span((1, 2, 3, 4, 5), time(22), time(4), BERLIN)  # from Monday to Saturday morning


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-30T20:59", False),  # Monday, 21:59 there
        ("2026-11-30T21:00", True),
        ("2026-12-01T02:59", True),
        ("2026-12-01T03:00", False),
        ("2026-12-05T02:59", True),  # Saturday morning belongs to Friday's
        ("2026-12-05T21:30", False),  # Saturday
        ("2026-12-07T02:59", False),  # Monday morning belongs to Sunday's
        ("2026-06-29T20:00", True),  # in summer an hour earlier
    ],
)
def test_a_window_over_midnight_is_of_the_day_on_which_it_begins(
    moment: str, is_open: bool
) -> None:
    assert NIGHT.is_open(at(moment)) is is_open


def test_a_window_opens_next_by_the_clock_there_also_across_the_end_of_summer_time() -> None:
    daily = Span((1, 2, 3, 4, 5, 6, 7), time(22), time(23), BERLIN)
    assert next_opening([daily], at("2026-10-24T20:30")) == at("2026-10-25T21:00")
    assert next_opening([daily], at("2026-10-24T19:59")) == at("2026-10-24T20:00")
    weekly = Span((1,), time(22), time(23), BERLIN)
    assert next_opening([weekly], at("2026-11-30T21:00")) == at("2026-12-07T21:00")
    assert next_opening([weekly, daily], at("2026-11-30T21:00")) == at("2026-12-01T21:00")


def test_a_window_in_the_hour_that_summer_time_leaves_out_does_not_open_that_day() -> None:
    span = Span((7,), time(2, 15), time(2, 45), BERLIN)
    moments = (at("2026-03-29T00:00") + timedelta(minutes=n) for n in range(0, 1440, 5))
    assert not any(span.is_open(moment) for moment in moments)
    assert next_opening([span], at("2026-03-28T12:00")) == at("2026-04-05T00:15")


def window(where: World | Firewall, *, is_open: bool = False, **fields: Any) -> Window:
    """One that is open now for hours, or opens in some hours."""
    place = {"firewall": where} if isinstance(where, Firewall) else {"partition": where.partition}
    now = datetime.now(UTC)
    begins = now - timedelta(hours=2) if is_open else now + timedelta(hours=4)
    ends = begins + timedelta(hours=6)
    clock = {"begins": begins.time().replace(microsecond=0), "ends": ends.time()}
    row = Window(**place, **(clock | fields))
    row.save()
    return row


@pytest.fixture
def fra(published: list[str]) -> World:
    fra = world()
    fra.private("shop", fra.shop)
    return fra


def firewall(fra: World, name: str = "fw") -> Firewall:
    return fra.firewall(name, fra.shop, fra.pool.children.get(), fra.internet, host="192.0.2.1")


def starts(push: Push) -> bool:
    return push in claiming.claim_pushes(10)


@pytest.mark.django_db
class TestPushes:
    def test_wait_for_a_window_of_their_partition_and_say_until_when(self, fra: World) -> None:
        row = window(fra, zone="UTC")
        push = asking.ask(firewall(fra), by="ada")
        assert not starts(push)
        reason = waiting.reason(push)
        assert reason and reason.code == "window" and reason.until
        assert reason.sentence == f"It waits for a maintenance window: {row.span}."
        assert reason.until.time() == row.begins
        row.delete()
        assert waiting.reason(push) is None and starts(push)

    def test_start_in_an_open_one_whatever_others_there_are(self, fra: World) -> None:
        window(fra)
        window(fra, is_open=True)
        push = asking.ask(firewall(fra), by="ada")
        assert waiting.reason(push) is None and starts(push)

    def test_go_by_the_windows_of_their_firewall_where_it_has_its_own(self, fra: World) -> None:
        window(fra)
        free, late = firewall(fra, "free"), firewall(fra, "late")
        window(free, is_open=True)
        window(late)
        one, two = asking.ask(free, by="ada"), asking.ask(late, by="ada")
        assert claiming.claim_pushes(10) == [one]
        Window.objects.filter(partition=fra.partition).delete()
        assert claiming.claim_pushes(10) == [] and not starts(two)

    def test_that_people_ask_for_start_at_once_where_windows_are_for_automatic_ones(
        self, fra: World
    ) -> None:
        window(fra, only_automatic=True)
        by_hand, by_itself = firewall(fra, "one"), firewall(fra, "two")
        chosen = firewall(fra, "three")
        Push.objects.enqueue(by_itself, by=BY_ITSELF)
        push = asking.ask(by_hand, by="ada")
        later = asking.ask(chosen, by="ada", wish=Wish(start=Choice.Start.WINDOW))
        assert claiming.claim_pushes(10) == [push]
        for one in (Push.objects.get(firewall=by_itself), later):
            reason = waiting.reason(one)
            assert reason and reason.code == "window"
            assert claiming.claim_push(one.pk) is None

    def test_start_outside_of_it_where_a_person_says_so_and_why(self, fra: World) -> None:
        window(fra)
        push = asking.ask(firewall(fra), by="ada")
        with pytest.raises(ValidationError) as caught:
            asking.start_now(push, by="eve", reason=" ")
        assert caught.value.error_dict["reason"][0].code == "required"
        assert not starts(push)
        asking.start_now(push, by="eve", reason="customer is down")
        row = Activity.objects.filter(kind="choice").first()
        assert (
            row and row.reason == "customer is down" and f"firewall:{push.firewall_id}" in row.about
        )
        assert row.changes["start"] == (None, "now") and row.changes["chosen_by"] == (None, "eve")
        assert starts(push)
        with pytest.raises(ValidationError):
            asking.start_now(push, by="eve", reason="again")

    def test_of_another_revision_do_not_have_what_was_chosen_for_the_one_before(
        self, fra: World
    ) -> None:
        window(fra)
        wall = firewall(fra)
        asking.ask(wall, by="eve", wish=Wish(start=Choice.Start.NOW, reason="now"))
        same = asking.ask(wall, by="ada")
        assert same.choice.chosen_by == "eve"
        other = asking.ask(wall, by="ada", revision=wall.revisions.get())
        assert not starts(other)

    def test_of_many_firewalls_take_as_many_queries_as_of_few(self, fra: World) -> None:
        window(fra)
        counts = []
        some = [firewall(fra, f"fw-{n}") for n in range(8)]
        for few in (some[:2], some):
            pushes = [asking.ask(one, by="ada") for one in few]
            for one in few:
                window(one)
            with CaptureQueriesContext(connection) as queries:
                assert len(waiting.reasons(pushes)) == len(few)
                assert claiming.claim_pushes(10) == []
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_that_reconcile_asked_for_wait_too_and_start_by_a_later_round(self, fra: World) -> None:
        fra.partition.auto_push = True
        fra.partition.save()
        firewall(fra)
        row = window(fra)
        tasks.reconcile()
        push = Push.objects.get()
        assert push.requested_by == BY_ITSELF and not starts(push)
        row.delete()
        assert starts(push)


@pytest.mark.django_db
class TestAWindow:
    @pytest.mark.parametrize(
        ("fields", "field", "code"),
        [
            ({"zone": "Mars/Olympus"}, "zone", "no_zone"),
            ({"days": []}, "days", "blank"),
            ({"days": [8]}, "days", "item_invalid"),
            ({"begins": time(1), "ends": time(1)}, "ends", "empty"),
            ({"partition": None}, "__all__", "of_one"),
        ],
    )
    def test_is_refused_where_it_could_not_be_meant(
        self, fra: World, fields: dict[str, Any], field: str, code: str
    ) -> None:
        values = {"partition": fra.partition, "begins": time(1), "ends": time(2)} | fields
        with pytest.raises(ValidationError) as caught:
            Window(**values).save()
        assert caught.value.error_dict[field][0].code == code

    @pytest.mark.parametrize(
        "change",
        [
            {"zone": "Mars/Olympus"},
            {"days": []},
            {"days": [0]},
            {"ends": time(1)},
            {"partition": None},
        ],
    )
    def test_is_refused_by_the_database_too(self, fra: World, change: dict[str, Any]) -> None:
        row = Window(partition=fra.partition, begins=time(1), ends=time(2))
        row.save()
        with pytest.raises(IntegrityError), transaction.atomic():
            Window.objects.filter(pk=row.pk).update(**change)

    def test_is_in_the_history_of_its_partition(self, fra: World) -> None:
        window(fra)
        assert Activity.objects.filter(kind="window", about__contains=["partition:fra"]).exists()

    def test_nobody_asks_about_where_none_are(self, fra: World) -> None:
        assert windows.rules([]).by_place == {}
