"""Of the firewalls of one network, who joins is pushed to first, and who leaves last."""

import pytest
from django.utils import timezone

from firewalls import tasks
from firewalls.allocation import join, leave
from firewalls.device.transport import Outcome, TransportError
from firewalls.models import Firewall, Observation, Push, Rollout
from firewalls.pushing import holding, rollouts
from firewalls.pushing.rollouts.sequence import in_order
from networks.models import Network, Partition
from tests.firewalls.test_by_itself import CONFIRMED, REFUSED, SILENT, go
from tests.networks.test_api import queries
from tests.pages import says, visitor, words
from tests.world import World, world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("published")]
LEFT_OUT = "z-joins of the same network comes first, and its push failed."


@pytest.fixture
def fra() -> World:
    """Two alike firewalls of one network, which have what is wanted of them, and one of another."""
    fra = world()
    shop = fra.private("shop", fra.shop)
    backup = fra.private("backup", fra.storage, shared=True)
    fra.private("storage", fra.storage, shared=True)
    for name in ("a-stays", "z-joins"):
        fra.firewall(name, fra.shop, shop, fra.internet, backup, host="192.0.2.1")
    fra.firewall("alone", fra.shop, fra.private("other", fra.shop), host="192.0.2.1")
    in_sync()
    return fra


def in_sync() -> None:
    tasks.reconcile()
    for firewall in Firewall.objects.all():
        Observation.objects.filter(pk=firewall.pk).update(
            applied=firewall.wanted, checked_at=timezone.now(), check_due_at=timezone.now()
        )


def firewall(name: str) -> Firewall:
    return Firewall.objects.with_relations().get(machine__name=name)


def storage() -> Network:
    return Network.objects.get(pk="storage")


def rollout(*, may_fail: int = 0) -> Rollout:
    """All of them in one wave, as they are listed."""
    listed = Firewall.objects.with_relations().order_by("machine__name")
    return rollouts.start(listed, cause="x", by="ada", sizes=["rest"], max_failures=may_fail)


def rounds(result: Outcome | TransportError = CONFIRMED) -> list[list[str]]:
    """Who is pushed to at the same time, one round after the other."""
    done = []
    while names := go(result):
        done.append(names)
    return done


def test_who_joins_comes_before_its_siblings_also_in_one_wave(fra: World) -> None:
    join(firewall("z-joins"), storage())
    made = rollout()
    assert rounds() == [["alone", "z-joins"], ["a-stays"]]
    assert [member.name for member in made.members.all()] == ["z-joins", "alone", "a-stays"]
    made.refresh_from_db()
    assert made.state == "finished"


def test_the_page_that_starts_it_shows_that_order(fra: World) -> None:
    join(firewall("z-joins"), storage())
    page = words(visitor("operator").get("/rollouts/new/?all=1"))
    listed = page[page.index("in this order") :]
    assert listed.index("z-joins") < listed.index("alone") < listed.index("a-stays")


def test_who_leaves_comes_after_them(fra: World) -> None:
    for name in ("a-stays", "z-joins"):
        join(firewall(name), storage())
    in_sync()
    leave(firewall("a-stays"), storage())
    rollout()
    assert rounds() == [["alone", "z-joins"], ["a-stays"]]


def test_who_is_new_comes_after_all(fra: World) -> None:
    fra.firewall("a-new", fra.shop, Network.objects.get(pk="shop"), storage(), host="192.0.2.1")
    leave(firewall("a-stays"), fra.internet)
    rollout()
    assert rounds() == [["alone", "z-joins"], ["a-stays"], ["a-new"]]


def test_where_neither_joins_nor_leaves_they_go_together(fra: World) -> None:
    Partition.objects.update(ntp_servers=["192.0.2.7"])
    tasks.reconcile()
    rollout()
    assert rounds() == [["a-stays", "alone", "z-joins"]]


def test_what_begins_by_itself_keeps_to_that_too(fra: World) -> None:
    join(firewall("z-joins"), storage())
    Partition.objects.update(auto_push=True)
    tasks.reconcile()
    assert rounds() == [["z-joins"], ["a-stays"]]


def test_what_somebody_pushes_to_its_sibling_is_awaited_before_it_begins(fra: World) -> None:
    join(firewall("z-joins"), storage())
    Push.objects.enqueue(firewall("z-joins"), by="ada")
    Partition.objects.update(auto_push=True)
    tasks.reconcile()
    assert go() == ["z-joins"]
    tasks.reconcile()
    assert rounds() == [["a-stays"]]


def test_bringing_back_goes_the_other_way_round(fra: World) -> None:
    join(firewall("z-joins"), storage())
    tasks.reconcile()
    made = rollout()
    rounds()
    made.refresh_from_db()
    rollouts.roll_back(made, "ada")
    assert rounds() == [["a-stays"], ["z-joins"]]


class TestOneThatFails:
    def test_has_its_siblings_passed_over_until_it_is_retried(self, fra: World) -> None:
        join(firewall("z-joins"), storage())
        made = rollout(may_fail=2)
        assert rounds(REFUSED) == [["alone", "z-joins"]]
        shown = Rollout.objects.with_progress().get()
        assert (shown.state, shown.failed, shown.passed_over) == ("finished", 2, 1)
        assert made.members.get(name="a-stays").left_out == LEFT_OUT
        assert says(visitor().get(f"/rollouts/{made.pk}/"), LEFT_OUT)
        made.refresh_from_db()
        rollouts.resume(made, "ada")
        assert rounds() == [], "it has failed still"
        rollouts.retry(made, "ada")
        assert rounds() == [["alone", "z-joins"]]
        rollouts.resume(made, "ada")
        assert rounds() == [["a-stays"]]

    def test_and_does_not_answer_is_not_waited_for_by_what_begins_by_itself(
        self, fra: World
    ) -> None:
        join(firewall("z-joins"), storage())
        Partition.objects.update(auto_push=True)
        tasks.reconcile()
        assert go(SILENT) == ["z-joins"]
        assert rounds() == [["a-stays"]]

    def test_leaves_them_to_a_person_too_where_it_began_by_itself(self, fra: World) -> None:
        join(firewall("z-joins"), storage())
        Partition.objects.update(auto_push=True)
        tasks.reconcile()
        assert go(REFUSED) == ["z-joins"]
        for _ in range(2):
            tasks.reconcile()
        assert Rollout.objects.get().state == "stopped" and not Push.objects.open().exists()


def test_one_that_is_held_is_not_waited_for(fra: World) -> None:
    join(firewall("z-joins"), storage())
    holding.hold(firewall("z-joins"), by="ada", reason="the vendor looks into it")
    rollout()
    assert rounds() == [["a-stays", "alone"]]


def test_to_find_the_order_takes_as_many_queries_for_many_networks(fra: World) -> None:
    def counted() -> int:
        listed = list(Firewall.objects.with_relations())
        return queries(lambda: in_order(listed, {}))

    before = counted()
    for number in range(3):
        own = fra.private(f"n{number}", fra.shop)
        for name in ("one", "two"):
            fra.firewall(f"{name}-{number}", fra.shop, own, host="192.0.2.1")
    assert counted() == before <= 5
