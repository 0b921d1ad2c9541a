"""A whole rollout starts now, or in a maintenance window, as a person chooses."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from firewalls.models import Choice, Firewall, Push, Rollout
from firewalls.pushing import claiming, rollouts
from firewalls.pushing.asking import USUAL, Wish
from firewalls.pushing.settling import settle
from networks.models import Activity
from tests.api import Api, codes
from tests.firewalls.rolling_out import rolled_out
from tests.firewalls.test_by_itself import CONFIRMED
from tests.firewalls.test_windows import window
from tests.pages import says, visitor
from tests.world import World, world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("published")]
NOW = Wish(start="now", reason="the incident")


@pytest.fixture
def fra() -> World:
    """A partition with two firewalls and a window that is not open."""
    fra = world()
    for name in ("one", "two"):
        fra.firewall(name, fra.shop, fra.private(f"n-{name}", fra.shop), host="192.0.2.1")
    window(fra)
    return fra


def started(wish: Wish = USUAL) -> Rollout:
    rows = Firewall.objects.with_relations().order_by("machine__name")
    return rollouts.start(rows, cause="x", by="ada", sizes=[1, "rest"], wish=wish)


def pushed() -> list[str]:
    """Who is pushed to, wave after wave."""
    names = []
    while claimed := claiming.claim_pushes(10):
        for push in claimed:
            settle(push, CONFIRMED, [])
            names.append(push.firewall.name)
    return names


def test_waits_for_the_window_as_usual(fra: World) -> None:
    started()
    assert pushed() == []


def test_starts_now_in_all_of_its_waves_where_that_was_asked_for_with_a_reason(fra: World) -> None:
    with pytest.raises(ValidationError) as caught:
        started(Wish(start="now"))
    assert caught.value.error_dict["reason"][0].code == "required"
    rollout = started(NOW)
    assert pushed() == ["one", "two"]
    assert set(Choice.objects.values_list("start", "reason", "chosen_by")) == {
        ("now", "the incident", "ada")
    }
    rollout.refresh_from_db()
    assert rollout.state == "finished"
    written = Activity.objects.filter(operation="rollout: x").values_list("reason", flat=True)
    assert set(written) == {"the incident"}


def test_starts_in_a_window_that_is_for_automatic_pushes_only_where_that_was_asked_for(
    fra: World,
) -> None:
    fra.partition.windows.update(only_automatic=True)
    started(Wish(start="window"))
    assert pushed() == []


def test_goes_on_now_where_somebody_says_so_meanwhile(fra: World) -> None:
    rollout = started()
    with pytest.raises(ValidationError):
        rollouts.start_now(rollout, "bob", " ")
    rollouts.start_now(rollout, "bob", "the incident")
    assert pushed() == ["one", "two"]
    rollout.refresh_from_db()
    with pytest.raises(ValidationError, match="cannot be started now"):
        rollouts.start_now(rollout, "bob", "the incident")


class TestDoors:
    def test_over_rest(self, fra: World) -> None:
        operator = Api("operator")
        body = {"filter": {"partition": "fra"}, "start": "now"}
        assert codes(operator.post("rollouts/", body)) == {"reason": ["required"]}
        assert codes(operator.post("rollouts/", body | {"start": "soon"})) == {
            "start": ["invalid_choice"]
        }
        usual = operator.post("rollouts/", {"filter": {"partition": "fra"}}).json()
        assert (usual["start"], usual["start_reason"]) == ("", "") and not pushed()
        place = f"rollouts/{usual['id']}/now/"
        assert codes(operator.post(place, {})) == {"reason": ["required"]}
        assert Api("viewer").post(place, {"reason": "x"}).status_code == 403
        shown = operator.post(place, {"reason": "the incident"})
        assert shown.status_code == 202 and shown.json()["start"] == "now"
        assert operator.get("rollouts/?start=now").json()["count"] == 1
        assert pushed() == ["one", "two"]

    def test_on_the_page_that_starts_it(self, fra: World) -> None:
        operator = visitor("operator")
        assert says(operator.get("/rollouts/new/?all=1"), "now, also outside of a window")
        refused = rolled_out(operator, "all=1", start="now")
        assert says(refused, "Say why: it is kept in the audit trail.", 422)
        rolled_out(operator, "all=1", start="now", reason="the incident")
        assert says(operator.get(f"/rollouts/{Rollout.objects.get().pk}/"), "the incident")
        assert pushed()

    def test_on_the_page_that_watches_it(self, fra: World) -> None:
        operator, rollout = visitor("operator"), started()
        page = f"/rollouts/{rollout.pk}/"
        assert says(operator.get(page), "Go on now, outside of the window")
        assert visitor("viewer").post(f"{page}now/", {"reason": "x"}).status_code == 403
        operator.post(f"{page}now/", {"reason": "the incident"})
        assert not says(operator.get(page), "Go on now, outside of the window")
        assert pushed() == ["one", "two"]

    def test_without_windows_nothing_is_asked(self, fra: World) -> None:
        fra.partition.windows.all().delete()
        assert not says(visitor("operator").get("/rollouts/new/?all=1"), "When its pushes start")

    def test_by_sql_it_needs_a_reason_too(self, fra: World) -> None:
        started()
        with pytest.raises(IntegrityError), transaction.atomic():
            Rollout.objects.update(start="now")
        assert Push.objects.filter(choice=None).exists()
