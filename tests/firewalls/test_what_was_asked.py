"""A request stays what was asked: a push until it ends, a rollout whoever else pushes meanwhile."""

from collections.abc import Callable

import pytest

from firewalls import tasks
from firewalls.allocation import free_firewall, join
from firewalls.device.transport import Outcome
from firewalls.models import Firewall, Member, Push, Rollout
from firewalls.pushing import rollouts
from firewalls.pushing.claiming import LOST_AFTER, claim_push, requeue_lost
from firewalls.pushing.settling import settle
from tests.api import Api, codes
from tests.firewalls.boxes import Boxes
from tests.firewalls.pushes import push
from tests.firewalls.rolling_out import form, rolled_out
from tests.firewalls.test_workers import after
from tests.pages import says, visitor
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)

CONFIRMED, REFUSED = Outcome(Push.State.CONFIRMED), Outcome(Push.State.REFUSED, "no")


@pytest.fixture
def some(fra: World) -> list[Firewall]:
    """Four firewalls, to which nobody really pushes."""
    shop = fra.private("shop", fra.shop)
    names = [f"fw{number}" for number in range(4)]
    return [fra.firewall(name, fra.shop, shop, host="192.0.2.1") for name in names]


def ended(push: Push, outcome: Outcome = CONFIRMED) -> Push:
    """It is claimed, prepared and ends so."""
    claimed = claim_push(push.pk)
    assert claimed, push.state
    if claimed.revision is None:
        claimed.revision = Firewall.objects.get(pk=push.firewall_id).wanted
        claimed.save(update_fields=["revision"])
    settle(claimed, outcome, [])
    return fresh(push)


def fresh(push: Push) -> Push:
    return Push.objects.get(pk=push.pk)


def own(rollout: Rollout, firewall: Firewall) -> Push:
    """The push of the firewall that the rollout has queued."""
    member = rollout.members.get(firewall=firewall)
    assert member.push
    return member.push


def progress(rollout: Rollout) -> dict[str, object]:
    row = Rollout.objects.with_progress().get(pk=rollout.pk)
    assert row.total == row.confirmed + row.failed + row.taken_over + row.gone + row.waiting
    names = ("state", "confirmed", "failed", "taken_over", "gone", "waiting")
    return {name: getattr(row, name) for name in names if getattr(row, name)}


class TestAPush:
    def test_of_a_revision_is_that_push_also_when_others_push(self, some: list[Firewall]) -> None:
        place, ada = f"firewalls/{some[0].pk}/push/", Api("operator")
        older = ada.post(place, {"revision": 1}).json()
        later = ada.post(place, {}).json()
        assert later["id"] != older["id"] and later["revision"] is None
        shown = ada.get(f"pushes/{older['id']}/").json()
        assert (shown["state"], shown["revision"], shown["superseded_by"]) == (
            "superseded",
            1,
            later["id"],
        )
        assert shown["error"] == "operator asked for a later push."
        page = visitor().get(f"/pushes/{older['id']}/")
        assert says(page, "A later push took its place") and says(page, "operator asked for")
        found = ada.get(f"pushes/?superseded_by={later['id']}").json()["results"]
        assert [one["id"] for one in found] == [older["id"]]

    def test_that_is_asked_for_twice_in_the_same_words_is_one(self, some: list[Firewall]) -> None:
        revision = some[0].revisions.get()
        for given in (revision, None):
            first = Push.objects.enqueue(some[0], by="ada", revision=given)
            assert Push.objects.enqueue(some[0], by="bob", revision=given) == first

    def test_says_which_push_came_in_the_end(self, some: list[Firewall]) -> None:
        revision = some[0].revisions.get()
        first = Push.objects.enqueue(some[0], by="ada", revision=revision)
        Push.objects.enqueue(some[0], by="bob")
        last = Push.objects.enqueue(some[0], by="eve", revision=revision)
        assert fresh(first).superseded_by == last
        assert Push.objects.filter(superseded_by=last).count() == 2

    def test_whose_worker_died_says_which_one_took_over(self, some: list[Firewall]) -> None:
        lost = Push.objects.enqueue(some[0], by="ada")
        assert claim_push(lost.pk)
        later = Push.objects.enqueue(some[0], by="bob")
        after(LOST_AFTER * 2)
        requeue_lost()
        assert (fresh(lost).state, fresh(lost).superseded_by) == ("superseded", later)

    def test_that_failed_is_tried_again_as_it_was(self, some: list[Firewall], fra: World) -> None:
        join(some[0], fra.private("storage", fra.storage, shared=True))
        current = Firewall.objects.get(pk=some[0].pk)
        older = Push.objects.enqueue(current, revision=current.revisions.get(number=1))
        ended(older, REFUSED)
        page = visitor("operator").get(f"/pushes/{older.pk}/").content.decode()
        assert f'href="/firewalls/{current.pk}/push/?revision=1">Try again</a>' in page


class TestARollout:
    def test_has_pushes_of_its_own_and_what_waited_before_yields(
        self, some: list[Firewall]
    ) -> None:
        older = Push.objects.enqueue(some[1], by="eve", revision=some[1].revisions.get())
        rollout = rollouts.start(some, cause="all", sizes=["rest"])
        assert rollout.pushes.count() == 4 and own(rollout, some[1]).revision is None
        older = fresh(older)
        assert (older.state, older.superseded_by) == ("superseded", own(rollout, some[1]))
        assert older.revision and older.error == "The rollout “all” was asked for later."

    def test_keeps_its_push_when_somebody_pushes_meanwhile(self, some: list[Firewall]) -> None:
        rollout = rollouts.start(some, cause="all", sizes=["rest"])
        taken = own(rollout, some[1])
        later = Push.objects.enqueue(some[1], by="eve", revision=some[1].revisions.get())
        assert own(rollout, some[1]) == taken and fresh(taken).rollout == rollout
        found = Api("viewer").get(f"pushes/?rollout={rollout.pk}").json()
        assert found["count"] == 4 and later.rollout is None
        assert progress(rollout) == {"state": "running", "taken_over": 1, "waiting": 3}

    def test_goes_on_by_what_the_push_did_that_took_over(self, some: list[Firewall]) -> None:
        rollout = rollouts.start(some[:3], cause="all", sizes=[2, "rest"])
        later = Push.objects.enqueue(some[1], by="eve", revision=some[1].revisions.get())
        ended(own(rollout, some[0]))
        assert rollout.members.get(firewall=some[2]).push is None, "the wave has not ended"
        ended(later)
        ended(own(rollout, some[2]))
        assert progress(rollout) == {"state": "finished", "confirmed": 2, "taken_over": 1}
        page = visitor().get(f"/rollouts/{rollout.pk}/")
        assert says(page, "3 of 3 done: 2 confirmed, 0 failed, 1 taken over by later pushes")
        assert says(page, "eve asked for a later push. That one is confirmed.")
        shown = Api("viewer").get(f"rollouts/{rollout.pk}/").json()["progress"]
        assert (shown["confirmed"], shown["taken_over"], shown["waiting"]) == (2, 1, 0)

    def test_stops_when_the_push_failed_that_took_over(self, some: list[Firewall]) -> None:
        rollout = rollouts.start(some, cause="all", sizes=[1, "rest"])
        ended(Push.objects.enqueue(some[0], by="eve", revision=some[0].revisions.get()), REFUSED)
        assert progress(rollout) == {"state": "stopped", "taken_over": 1, "waiting": 3}
        assert Rollout.objects.get().reason == "It stopped when 1 had failed, and none may."

    def test_asks_for_another_canary_where_the_first_was_taken_over(
        self, some: list[Firewall]
    ) -> None:
        rollout = rollouts.start(some, cause="all", sizes=[1, "rest"])
        ended(Push.objects.enqueue(some[0], by="eve", revision=some[0].revisions.get()))
        assert own(rollout, some[1]).state == "queued"
        assert rollout.members.filter(push=None).count() == 2, "nothing is known of it yet"
        ended(own(rollout, some[1]))
        assert not rollout.members.filter(push=None).exists()

    def test_lets_what_was_asked_for_since_go_first(self, some: list[Firewall], fra: World) -> None:
        join(some[1], fra.private("storage", fra.storage, shared=True))
        row = Firewall.objects.get(pk=some[1].pk)
        rollout = rollouts.start(some[:2], cause="all", sizes=[1, "rest"])
        older = ended(Push.objects.enqueue(row, by="eve", revision=row.revisions.get(number=1)))
        ended(own(rollout, some[0]))
        taken = own(rollout, some[1])
        assert (taken.state, taken.superseded_by) == ("superseded", older)
        assert taken.error == "eve asked for another push after this rollout was asked for."
        assert progress(rollout) == {"state": "finished", "confirmed": 1, "taken_over": 1}

    def test_that_is_later_takes_over_from_one_before(self, some: list[Firewall]) -> None:
        first = rollouts.start(some[:2], cause="first", sizes=["rest"])
        second = rollouts.start(some[1:], cause="second", sizes=["rest"])
        assert progress(first) == {"state": "running", "taken_over": 1, "waiting": 1}
        ended(own(first, some[0]))
        assert progress(first)["state"] == "running", "it waits for what took over"
        ended(own(second, some[1]))
        assert progress(first)["state"] == "finished"

    def test_paused_withdraws_its_own_and_forgets_nothing_that_others_took_over(
        self, some: list[Firewall]
    ) -> None:
        rollout = rollouts.start(some, cause="all", sizes=["rest"])
        later = Push.objects.enqueue(some[1], by="eve")
        rollouts.pause(rollout, "ada")
        assert progress(rollout) == {"state": "paused", "taken_over": 1, "waiting": 3}
        assert fresh(later).state == "queued"

    def test_whose_firewalls_are_freed_still_says_what_it_did(self, some: list[Firewall]) -> None:
        rollout = rollouts.start(some, cause="all", sizes=[3, "rest"], max_failures=1)
        ended(own(rollout, some[0]))
        ended(own(rollout, some[1]), REFUSED)
        for firewall in some:
            free_firewall(firewall)
        tasks.reconcile()
        assert progress(rollout) == {"state": "finished", "confirmed": 1, "failed": 1, "gone": 2}
        shown = Api("viewer").get(f"rollouts/{rollout.pk}/").json()
        assert (shown["firewalls"], shown["freed"]) == ([], ["fw0", "fw1", "fw2", "fw3"])
        assert (shown["progress"]["total"], shown["progress"]["confirmed"]) == (4, 1)
        page = visitor().get(f"/rollouts/{rollout.pk}/")
        assert says(page, "4 of 4 done: 1 confirmed, 1 failed, 2 freed before their turn")
        assert all(says(page, name) for name in ("fw0", "fw1", "fw2", "fw3"))
        assert visitor().get("/rollouts/").status_code == 200

    def test_with_some_freed_goes_on_with_the_others(self, some: list[Firewall]) -> None:
        rollout = rollouts.start(some, cause="all", sizes=[1, "rest"])
        free_firewall(some[0])
        tasks.reconcile()
        assert own(rollout, some[1]).state == "queued", "another canary"
        assert Member.objects.filter(push=None, firewall__isnull=False).count() == 2


class TestItsStart:
    def test_takes_exactly_the_firewalls_that_were_shown(
        self, some: list[Firewall], fra: World
    ) -> None:
        operator = visitor("operator")
        shown = form(operator, "all=1&state=new")
        fra.firewall("late", fra.shop, some[0].primary, host="192.0.2.1")
        rolled_out(operator, "all=1&state=new", shown=shown["shown"])
        assert set(Member.objects.values_list("name", flat=True)) == {"fw0", "fw1", "fw2", "fw3"}

    def test_names_what_has_changed_since_and_asks_again(
        self, some: list[Firewall], fra: World
    ) -> None:
        operator = visitor("operator")
        shown = form(operator, "all=1")
        free_firewall(some[0])
        join(some[1], fra.private("storage", fra.storage, shared=True))
        answer = rolled_out(operator, "all=1", shown=shown["shown"])
        assert says(answer, "fw0 was freed; fw1 wants revision 2 instead of revision 1", 422)
        assert says(answer, "Roll out to 3 firewalls", 422) and not Rollout.objects.exists()
        again = answer.content.decode().split('name="shown" value="')[1].split('"')[0]
        assert rolled_out(operator, "all=1", shown=again).status_code == 302
        assert Member.objects.count() == 3

    @pytest.mark.parametrize("text", ["", "x", "x:y:z", "\0", "0:1"])
    def test_with_no_firewall_that_was_shown_is_none(self, some: list[Firewall], text: str) -> None:
        answer = rolled_out(visitor("operator"), "all=1", shown=text)
        assert answer.status_code == 422 and not Rollout.objects.exists()

    @pytest.mark.parametrize("cause", ["a\nb", "a\tb", "a\x85b", "a\u2028b"])
    def test_takes_a_cause_of_one_line_at_every_door(
        self, some: list[Firewall], cause: str
    ) -> None:
        ids = [str(one.pk) for one in some]
        answer = Api("operator").post("rollouts/", {"firewalls": ids, "cause": cause})
        assert codes(answer) == {"cause": ["not_one_line"]}
        with pytest.raises(Exception, match="Line breaks") as refused:
            rollouts.start(some, cause=cause)
        assert "cause" in refused.value.message_dict  # type: ignore[attr-defined]
        assert rolled_out(visitor("operator"), "all=1", cause=cause).status_code == 422
        assert not Rollout.objects.exists()


def test_actions_compare_what_the_client_has_read(some: list[Firewall]) -> None:
    rollout = rollouts.start(some, cause="all")
    operator = Api("operator")
    place = f"rollouts/{rollout.pk}/"
    tag = operator.get(place)["ETag"]
    for action in ("pause", "resume", "stop", "retry", "roll-back"):
        answer = operator.post(f"{place}{action}/", If_Match='"x"')
        assert answer.status_code == 412, action
    ended(own(rollout, some[0]))
    assert operator.post(f"{place}pause/", If_Match=tag).status_code == 202, "progress moves"
    assert operator.post(f"{place}stop/", If_Match=tag).status_code == 412
    assert operator.get(place, If_None_Match=tag).status_code == 200


def test_a_push_that_really_goes_is_not_disturbed_by_a_later_one(
    make: Callable[..., Firewall], fra: World, box: Boxes
) -> None:
    firewall = make("undisturbed")
    first = push(firewall).revision
    join(firewall, fra.private("storage", fra.storage, shared=True))
    current = Firewall.objects.get(pk=firewall.pk)
    latest = Push.objects.enqueue(current, by="ada")
    older = Push.objects.enqueue(current, by="eve", revision=first)
    tasks.work()
    assert (fresh(latest).state, fresh(older).state) == ("superseded", "confirmed")
    assert fresh(older).revision == first and first
    assert box.files("undisturbed")["/etc/frr/frr.conf"] == first.files["/etc/frr/frr.conf"]
