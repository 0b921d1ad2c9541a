"""Watching many pushes: the numbers on the pages add up at every moment.

They cost as many queries for fifty pushes as for five.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from firewalls.models import Firewall, Observation, Push, Rollout
from firewalls.pushing import rollouts
from machines.models import Machine
from networks.models import Network
from tests.pages import queries, says, visitor
from tests.world import World, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]

PART = {"HX-Request": "true", "HX-Target": "rollout-status"}
STATES = ("confirmed", "failed", "running", "waiting")
SAYS = re.compile(r"(\d+) of (\d+) done: (\d+) confirmed, (\d+) failed")
BAR = re.compile(
    r'viewBox="0 0 (\d+) 1".*<rect class="ok" width="(\d+)" height="1"/>'
    r'<rect class="bad" x="(\d+)" width="(\d+)"'
)
WAVE = re.compile(
    r'data-label="Firewalls" class="num">(\d+)<.*?'
    + ".*?".join(rf'"{s.title()}" class="num">(\d+)<' for s in STATES)
)
QUICK = re.compile(r'class="quick".*?</nav>', re.DOTALL)
COUNTED = re.compile(r"</span>\s+(\d+)</a>")


@pytest.fixture
def fra() -> World:
    return world()


@pytest.fixture
def shop(fra: World) -> Network:
    return fra.private("shop", fra.shop)


@pytest.fixture
def some(fra: World, shop: Network) -> Callable[[int], list[Firewall]]:
    """So many more firewalls, written by the row for speed."""

    def made(count: int) -> list[Firewall]:
        first = Machine.objects.count()
        common: dict[str, Any] = {"partition": fra.partition, "project": fra.shop, "primary": shop}
        machines = Machine.objects.bulk_create(
            Machine(name=f"fw-{n:03}", asn=4_210_000_100 + n, **common)
            for n in range(first, first + count)
        )
        return Firewall.objects.bulk_create(
            Firewall(machine=machine, host="192.0.2.7") for machine in machines
        )

    return made


def went(push: Push, state: str, *, ago: int = 0, **fields: Any) -> None:
    """It went on, or ended so many seconds ago."""
    ended = None if state in Push.OPEN else timezone.now() - timedelta(seconds=ago)
    Push.objects.filter(pk=push.pk).update(state=state, finished_at=ended, **fields)


def pushed(firewall: Firewall, *states: str, **fields: Any) -> Firewall:
    """It was pushed to, and the pushes ended like this, the last one last."""
    for ago, state in zip(range(len(states), 0, -1), states, strict=True):
        went(Push.objects.create(firewall=firewall), state, ago=ago, **fields)
    return firewall


def going(firewalls: list[Firewall], name: str = "all") -> Rollout:
    """A rollout to them, with pushes in every state."""
    rollout = rollouts.start(
        firewalls, cause=name, sizes=["80%", "rest"], max_failures=len(firewalls)
    )
    steps = [{"name": "connect", "state": "running", "seconds": 0, "output": ""}]
    for number, member in enumerate(rollout.members.exclude(push=None).select_related("push")):
        assert member.push
        went(
            member.push,
            ("confirmed", "unseen", "running", "queued", "rolled_back")[number % 5],
            steps=steps,
        )
    return rollout


def numbers(client: Client, rollout: Rollout) -> dict[str, int]:
    """The numbers in the part that polls, once all its places are found to say the same."""
    part = client.get(f"/rollouts/{rollout.pk}/", headers=PART).content.decode()
    summary, bar = SAYS.search(part), BAR.search(part)
    assert summary and bar, part
    done, total, confirmed, failed = map(int, summary.groups())
    assert [int(number) for number in bar.groups()] == [total, confirmed, confirmed, failed]
    waves = [[int(number) for number in row.groups()] for row in WAVE.finditer(part)]
    summed = dict(zip(("total", *STATES), map(sum, zip(*waves, strict=True)), strict=True))
    assert summed["total"] == total and sum(summed[state] for state in STATES) == total
    assert (summed["confirmed"], summed["failed"], done) == (confirmed, failed, confirmed + failed)
    quick = QUICK.search(part)
    assert quick and sum(map(int, COUNTED.findall(quick[0]))) == total
    return summed


@contextmanager
def moving(rollout: Rollout) -> Iterator[None]:
    """After every statement, one more of the pushes ends."""
    left = iter(list(Push.objects.open().filter(rollout=rollout)))

    def on(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        if (push := next(left, None)) is not None:
            with connection.cursor() as cursor:
                ended = "UPDATE firewalls_push SET state = %s, finished_at = now() WHERE id = %s"
                cursor.cursor.execute(ended, ["confirmed", push.pk])
        return answer

    with connection.execute_wrapper(on):
        yield


class TestWhatIsSaid:
    def test_adds_up_in_all_places(self, some: Callable[[int], list[Firewall]]) -> None:
        assert numbers(visitor(), going(some(25))) == {
            "total": 25,
            "confirmed": 4,
            "failed": 8,
            "running": 4,
            "waiting": 9,
        }

    def test_adds_up_while_pushes_end_between_the_statements(
        self, some: Callable[[int], list[Firewall]]
    ) -> None:
        rollout, client = going(some(60)), visitor()
        with moving(rollout):
            confirmed = [numbers(client, rollout)["confirmed"] for _ in range(4)]
        assert confirmed == sorted(confirmed) and confirmed[0] < confirmed[-1]

    def test_goes_back_by_what_failed_when_that_is_tried_again_and_by_nothing_else(
        self, some: Callable[[int], list[Firewall]]
    ) -> None:
        rollout, client = going(some(25)), visitor()
        before = numbers(client, rollout)
        rollouts.stop(rollout, "ada")
        rollouts.retry(rollout, "ada")
        after = numbers(client, rollout)
        assert (after["confirmed"], after["failed"]) == (before["confirmed"], 0)

    def test_of_many_the_page_shows_the_first_and_counts_all(
        self, some: Callable[[int], list[Firewall]]
    ) -> None:
        rollout, client = going(some(150)), visitor()
        pages = [
            client.get(f"/rollouts/{rollout.pk}/?page={page}").content.decode() for page in (1, 3)
        ]
        first, last = (page.split("<h2>Firewalls</h2>")[1] for page in pages)
        assert first.count('data-label="Wave"') == last.count('data-label="Wave"') == 50
        assert first.index("</i>failed") < first.index("</i>running") and "</i>failed" not in last
        assert says(client.get(f"/rollouts/{rollout.pk}/?state=running"), "Firewalls 24")


class TestWhatItCosts:
    def test_is_as_many_queries_for_fifty_pushes_as_for_five(
        self, some: Callable[[int], list[Firewall]]
    ) -> None:
        client = visitor("operator")
        few, many = (
            self._asked(client, going(some(count), f"{count} of them")) for count in (5, 50)
        )
        assert few == many and few["poll"] < few["page"]

    def _asked(self, client: Client, rollout: Rollout) -> dict[str, int]:
        push = Push.objects.filter(rollout=rollout, state="running")[0]
        place, steps = f"/rollouts/{rollout.pk}/", f"/pushes/{push.pk}/"
        return {
            "poll": queries(client, place, **PART),
            "page": queries(client, place),
            "failed": queries(client, f"{place}?state=failed"),
            "overview": queries(client, "/"),
            "firewalls": queries(client, "/firewalls/"),
            "rollouts": queries(client, "/rollouts/"),
            "push": queries(client, steps),
            "steps": queries(client, steps, **{**PART, "HX-Target": "push-status"}),
        }


class TestTrouble:
    def test_is_found_where_the_state_says_so_and_nowhere_else(
        self, some: Callable[[int], list[Firewall]]
    ) -> None:
        now, pinned = timezone.now(), "ssh-ed25519 AAAA"
        other = {"offered_at": now, "offered_key": "ssh-ed25519 BBBB"}
        fields: list[dict[str, Any]] = [
            {},
            {"unreachable_since": now},
            {"drifted_at": now},
            {"refused_at": now},
            {"checked_at": now + timedelta(hours=1)},
            {**other, "offered_for": pinned},
            {**other, "offered_for": "old"},
        ]
        pasts = [
            (),
            ("confirmed",),
            ("refused",),
            ("unseen",),
            ("rolled_back",),
            ("refused", "confirmed"),
            ("confirmed", "refused"),
            ("unseen", "superseded"),
            ("refused", "queued"),
            ("rolled_back", "running"),
        ]
        firewalls = iter(some(2 * len(fields) * len(pasts)))
        for about in fields:
            for past in pasts:
                for unanswered in (False, True):
                    firewall = pushed(next(firewalls), *past, unanswered=unanswered)
                    Firewall.objects.filter(pk=firewall.pk).update(host_key=pinned)
                    Observation.objects.filter(pk=firewall.pk).update(**about)
        expected = set(Firewall.objects.in_state("failed", "refused", "drifted", "unreachable"))
        assert (
            set(Firewall.objects.in_trouble()) == expected
            and 0 < len(expected) < Firewall.objects.count()
        )

    def test_is_counted_beside_each_partition_on_every_page(
        self, some: Callable[[int], list[Firewall]]
    ) -> None:
        world("muc", "10.132.0.0/14", "10.5.0.0/16", number=1)
        for firewall in some(3)[:2]:
            pushed(firewall, "refused")
        page = visitor().get("/networks/").content.decode()
        told = re.findall(r'title="(\d+) firewalls? in trouble"', page)
        assert told == ["2", "2"], "once in the menu, once beside the page"
