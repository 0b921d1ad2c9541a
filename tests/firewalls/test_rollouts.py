"""Rollouts of practice firewalls: waves, failures, and everything a person may do with one."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db.models import Count, Max, Min

from firewalls import tasks
from firewalls.device.transport import Outcome
from firewalls.models import Firewall, Member, Push, Rollout
from firewalls.pushing import rollouts
from firewalls.pushing.claiming import claim_push
from firewalls.pushing.settling import finish
from networks.common import waves
from tests.api import Api, codes
from tests.firewalls.boxes import Boxes
from tests.firewalls.rolling_out import rolled_out
from tests.pages import queries, says, visitor, words
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


def offered(page: Any, action: str) -> bool:
    """Whether the button for this can be pressed."""
    button = re.search(rf'<button[^>]*id="act-{action}"[^>]*>', page.content.decode())
    assert button is not None
    return "disabled" not in button[0]


@pytest.fixture
def some(make: Callable[..., Firewall], request: pytest.FixtureRequest) -> list[Firewall]:
    """Six firewalls, none of which was pushed to."""
    tag = str(abs(hash(request.node.name)))[:8]
    return [make(f"fw{number}-{tag}") for number in range(6)]


def breaks(box: Boxes, *firewalls: Firewall) -> None:
    """A file lies where their FRR folder should be."""
    for firewall in firewalls:
        folder = box.file("/etc/frr", firewall.name)
        folder.rmdir()
        folder.write_text("in the way\n")


def mend(box: Boxes, firewall: Firewall) -> None:
    path = box.file("/etc/frr", firewall.name)
    path.unlink()
    path.mkdir()


def progress(rollout: Rollout) -> tuple[str, int, int, int]:
    row = Rollout.objects.with_progress().get(pk=rollout.pk)
    assert row.confirmed + row.failed + row.waiting == row.total
    return row.state, row.confirmed, row.failed, row.waiting


def finished(rollout: Rollout) -> tuple[str, int, int, int]:
    tasks.work()
    return progress(rollout)


class TestWaves:
    @pytest.mark.parametrize(
        ("sizes", "total", "expected"),
        [
            ([1, "10%", "rest"], 500, [1, 50, 449]),
            ([1, "10%", "rest"], 1, [1]),
            ([1, "10%", "rest"], 2, [1, 1]),
            ([3], 10, [3, 7]),
            (["50%", "50%"], 5, [3, 2]),
            (["100%"], 7, [7]),
            ([1, 1], 2, [1, 1]),
            (["rest", 5], 3, [3]),
        ],
    )
    def test_are_sizes_in_order_and_nobody_is_left_out(
        self, sizes: list[waves.Wave], total: int, expected: list[int]
    ) -> None:
        assert waves.problem(sizes) == "" and waves.sizes(sizes, total) == expected

    @pytest.mark.parametrize(
        "sizes",
        [
            [],
            [0],
            [-1],
            ["0%"],
            ["101%"],
            ["1.5%"],
            [1.5],
            [True],
            [None],
            "1",
            {"a": 1},
            ["half"],
            [1] * 51,
        ],
    )
    def test_that_are_none_are_refused_with_a_sentence(self, sizes: object) -> None:
        assert waves.problem(sizes).endswith(("'rest'].", "'rest'."))


class TestAdvancing:
    def test_brings_all_of_them_wave_after_wave(self, some: list[Firewall], box: Boxes) -> None:
        rollout = rollouts.start(some, cause="all", by="ada", sizes=[1, 2, "rest"])
        assert [(m.wave, m.push is not None) for m in rollout.members.all()] == [
            (1, True),
            *[(2, False)] * 2,
            *[(3, False)] * 3,
        ]
        assert finished(rollout) == ("finished", 6, 0, 0)
        assert all(box.file("/etc/frr/frr.conf", firewall.name).exists() for firewall in some)
        assert set(Push.objects.values_list("rollout", "requested_by")) == {(rollout.pk, "ada")}
        when = {
            w: Push.objects.filter(members__wave=w).aggregate(
                first=Min("started_at"), last=Max("finished_at")
            )
            for w in (1, 2, 3)
        }
        assert when[1]["last"] < when[2]["first"] and when[2]["last"] < when[3]["first"]

    def test_stops_after_the_first_wave_when_one_more_fails_than_may(
        self, some: list[Firewall], box: Boxes
    ) -> None:
        breaks(box, some[0])
        rollout = rollouts.start(some, cause="canary")
        assert finished(rollout) == ("stopped", 0, 1, 5)
        assert (
            Push.objects.count() == 1
            and "It stopped when 1 had failed, and none may." in Rollout.objects.get().reason
        )

    def test_goes_on_over_as_many_failures_as_may_be(
        self, some: list[Firewall], box: Boxes
    ) -> None:
        breaks(box, some[0], some[3])
        assert finished(rollouts.start(some, cause="some may", max_failures=2)) == (
            "finished",
            4,
            2,
            0,
        )

    def test_a_failure_too_many_takes_back_what_has_not_begun(
        self, some: list[Firewall], box: Boxes
    ) -> None:
        rollout = rollouts.start(some, cause="many", sizes=["rest"])
        failing = claim_push(rollout.members.all()[0].push_id or "")
        assert failing
        finish(failing, Outcome("refused", "no"))
        rollouts.advance(rollout.pk)
        assert progress(rollout) == ("stopped", 0, 1, 5)
        assert dict(Push.objects.values_list("state").annotate(n=Count("pk"))) == {
            "refused": 1,
            "superseded": 5,
        }

    def test_that_nobody_advanced_is_advanced_by_reconcile(self, some: list[Firewall]) -> None:
        rollout = rollouts.start(some[:2], cause="nobody", sizes=[1])
        Push.objects.update(state="confirmed", finished_at=rollout.created_at)
        tasks.reconcile()
        assert Push.objects.filter(state="queued").count() == 1


class TestSteering:
    def test_paused_it_begins_nothing_and_resumed_it_ends(self, some: list[Firewall]) -> None:
        rollout = rollouts.start(some, cause="paused", sizes=["rest"])
        running = claim_push(rollout.members.all()[0].push_id or "")
        rollouts.pause(rollout, "ada")
        assert finished(rollout) == ("paused", 0, 0, 6) and rollout.reason == "Paused by ada."
        assert running and finish(running, Outcome("confirmed"))
        rollouts.resume(rollout, "ada")
        assert finished(rollout) == ("finished", 6, 0, 0)

    def test_retrying_tries_exactly_what_failed_and_the_rest_waits_until_it_is_resumed(
        self, some: list[Firewall], box: Boxes
    ) -> None:
        breaks(box, some[0])
        rollout = rollouts.start(some, cause="again")
        assert finished(rollout)[0] == "stopped"
        with pytest.raises(ValidationError, match="1 had failed, and none may"):
            rollouts.resume(rollout, "ada")
        mend(box, some[0])
        rollouts.retry(rollout, "ada")
        assert Push.objects.open().get().firewall == some[0]
        assert finished(rollout) == ("paused", 1, 0, 5)
        assert rollout.reason == "ada tries again what failed; 5 wait until it is resumed."
        rollouts.resume(rollout, "ada")
        assert finished(rollout) == ("finished", 6, 0, 0)
        assert sorted(
            Push.objects.values_list("firewall").annotate(n=Count("pk")).values_list("n", flat=True)
        ) == [1, 1, 1, 1, 1, 2]

    def test_retried_where_nothing_waits_it_ends_again(
        self, some: list[Firewall], box: Boxes
    ) -> None:
        breaks(box, some[1], some[4])
        rollout = rollouts.start(some, cause="two", sizes=["rest"], max_failures=2)
        assert finished(rollout) == ("finished", 4, 2, 0)
        mend(box, some[1])
        rollouts.retry(rollout, "ada")
        assert {push.firewall for push in Push.objects.open()} == {some[1], some[4]}
        assert finished(rollout) == ("finished", 5, 1, 0)

    def test_rolled_back_every_changed_firewall_has_what_it_had_and_keeps_it(
        self, some: list[Firewall], fra: World, box: Boxes
    ) -> None:
        assert finished(rollouts.start(some, cause="first"))[0] == "finished"
        before = {firewall.pk: box.files(firewall.name) for firewall in some}
        fra.partition.management_prefixes = ["198.51.100.0/24"]
        fra.partition.auto_push = True
        fra.partition.save()
        second = rollouts.start(some, cause="second")
        assert finished(second)[0] == "finished" and all(
            box.files(f.name) != before[f.pk] for f in some
        )
        back = rollouts.roll_back(second, "ada")
        assert back.cause == "roll back: second" and finished(back) == ("finished", 6, 0, 0)
        assert all(box.files(f.name) == before[f.pk] for f in some)
        tasks.reconcile()
        assert not Push.objects.open().exists(), "what somebody chose is not pushed over by itself"
        fra.partition.management_prefixes = ["192.0.2.0/24", "198.51.100.0/24"]
        fra.partition.save()
        tasks.reconcile()
        again = Rollout.objects.get(partition=fra.partition)
        assert again.members.count() == 6, "until something else is wanted"


class TestRest:
    def test_is_started_with_firewalls_and_shows_its_progress(self, some: list[Firewall]) -> None:
        ids = [str(firewall.pk) for firewall in reversed(some)]
        answer = Api("operator").post(
            "rollouts/", {"firewalls": ids, "waves": [2, "rest"], "max_failures": 1}
        )
        assert answer.status_code == 202
        shown = answer.json()
        assert (shown["firewalls"], shown["waves"], shown["max_failures"]) == (ids, [2, "rest"], 1)
        assert (shown["state"], shown["progress"]) == (
            "running",
            {
                "total": 6,
                "confirmed": 0,
                "failed": 0,
                "taken_over": 0,
                "gone": 0,
                "passed_over": 0,
                "waiting": 6,
            },
        )
        tasks.work()
        after = Api("viewer").get(f"rollouts/{shown['id']}/").json()
        assert (after["state"], after["progress"]) == (
            "finished",
            {
                "total": 6,
                "confirmed": 6,
                "failed": 0,
                "taken_over": 0,
                "gone": 0,
                "passed_over": 0,
                "waiting": 0,
            },
        )
        pushes = Api("viewer").get(f"pushes/?rollout={shown['id']}&state=confirmed").json()
        assert pushes["count"] == 6 and {push["rollout"] for push in pushes["results"]} == {
            shown["id"]
        }

    @pytest.mark.parametrize("field", ["filter", "firewalls"])
    def test_is_started_with_a_filter(self, some: list[Firewall], fra: World, field: str) -> None:
        silent = fra.firewall("no-host", fra.shop, Firewall.objects.all()[0].primary)
        for chosen in (
            {"partition": "fra"},
            {"network": "internet-fra"},
            {"partition": "fra", "network": "shop"},
        ):
            shown = Api("operator").post("rollouts/", {field: chosen}).json()
            assert len(shown["firewalls"]) == 6 and str(silent.pk) not in shown["firewalls"]

    @pytest.mark.parametrize(
        ("body", "refusal"),
        [
            ({}, {"firewalls": ["either_or"]}),
            ({"firewalls": [], "filter": {"partition": "fra"}}, {"firewalls": ["either_or"]}),
            ({"firewalls": []}, {"firewalls": ["empty"]}),
            ({"filter": {}}, {"filter": ["empty"]}),
            ({"filter": {"partition": "muc"}}, {"filter": ["does_not_exist"]}),
            ({"filter": {"project": "x"}}, {"filter": ["unknown_key"]}),
            (
                {"firewalls": ["3f0e8e5c-8a57-4e9a-9d0c-5d5f8c1f2b11"]},
                {"firewalls": ["does_not_exist"]},
            ),
            ({"filter": {"partition": "fra"}, "waves": ["half"]}, {"waves": ["invalid_waves"]}),
            ({"filter": {"partition": "fra"}, "max_failures": -1}, {"max_failures": ["min_value"]}),
        ],
    )
    def test_refuses_what_makes_no_sense(
        self, some: list[Firewall], body: dict[str, Any], refusal: dict[str, list[str]]
    ) -> None:
        assert (
            codes(Api("operator").post("rollouts/", body)) == refusal
            and not Rollout.objects.exists()
        )

    def test_a_firewall_without_a_management_address_is_named(self, fra: World) -> None:
        firewall = fra.firewall("no-host", fra.shop, fra.private("shop", fra.shop))
        answer = Api("operator").post("rollouts/", {"firewalls": [str(firewall.pk)]})
        assert (
            codes(answer) == {"firewalls": ["no_management"]}
            and "no-host" in answer.json()["firewalls"][0]["message"]
        )

    def test_actions_answer_with_the_rollout_or_say_why_not(self, some: list[Firewall]) -> None:
        operator = Api("operator")
        place = (
            f"rollouts/{operator.post('rollouts/', {'firewalls': [str(some[0].pk)]}).json()['id']}/"
        )
        states = [
            (action, operator.post(f"{place}{action}/")) for action in ("pause", "resume", "stop")
        ]
        assert [
            (action, answer.status_code, answer.json()["state"]) for action, answer in states
        ] == [
            ("pause", 202, "paused"),
            ("resume", 202, "running"),
            ("stop", 202, "stopped"),
        ]
        assert codes(operator.post(f"{place}pause/"), 409) == {"state": ["wrong_state"]}
        assert codes(operator.post(f"{place}roll-back/"), 409) == {
            "state": ["nothing_to_roll_back"]
        }
        assert codes(operator.post(f"{place}retry/"), 409) == {"state": ["nothing_to_retry"]}
        assert operator.post(f"{place}resume/").json()["state"] == "running"
        tasks.work()
        assert codes(operator.post(f"{place}retry/"), 409) == {"state": ["nothing_to_retry"]}

    def test_a_viewer_reads_and_starts_nothing(self, some: list[Firewall]) -> None:
        rollout = rollouts.start(some, cause="for reading")
        viewer = Api("viewer")
        assert viewer.get("rollouts/").json()["count"] == 1
        assert viewer.post("rollouts/", {"filter": {"partition": "fra"}}).status_code == 403
        assert {
            viewer.post(f"rollouts/{rollout.pk}/{action}/").status_code
            for action in ("pause", "stop", "retry", "roll-back")
        } == {403}
        assert progress(rollout)[0] == "running"

    def test_is_written_down_with_who_and_why(self, some: list[Firewall]) -> None:
        from networks.models import Activity

        Api("operator").post("rollouts/", {"filter": {"partition": "fra"}, "cause": "the incident"})
        rows = list(
            Activity.objects.filter(operation="rollout: the incident").values_list(
                "who", "kind", "verb"
            )
        )
        assert ("operator", "rollout", "created") in rows and rows.count(
            ("operator", "member", "created")
        ) == 6


class TestPages:
    def test_firewalls_are_marked_in_the_list_and_rolled_out_to(self, some: list[Firewall]) -> None:
        operator = visitor("operator")
        assert b'name="firewall"' in operator.get("/firewalls/").content
        chosen = "&".join(f"firewall={firewall.pk}" for firewall in some[:3])
        page = operator.get(f"/rollouts/new/?{chosen}")
        assert says(page, "Roll out to 3 firewalls") and says(page, "1, then 1, then 1 at a time")
        answer = rolled_out(operator, chosen, cause="by hand", sizes="1, rest")
        rollout = Rollout.objects.get()
        assert (
            answer["Location"] == f"/rollouts/{rollout.pk}/"
            and rollout.members.count() == 3
            and rollout.waves == [1, "rest"]
        )

    def test_all_that_match_the_filters_are_rolled_out_to(
        self, some: list[Firewall], fra: World
    ) -> None:
        fra.firewall("no-host", fra.shop, some[0].primary)
        operator = visitor("operator")
        answer = rolled_out(operator, "all=1&state=new", cause="new ones", follow=True)
        assert says(answer, "new ones") and Member.objects.count() == 6

    def test_a_wrong_wave_is_refused_at_its_field(self, some: list[Firewall]) -> None:
        answer = rolled_out(visitor("operator"), "all=1", sizes="half")
        assert says(answer, "'half' is no size of a wave", 422) and not Rollout.objects.exists()

    def test_nothing_chosen_says_what_to_do(self, fra: World) -> None:
        for query in ("", "?firewall=x", "?all=1"):
            assert says(visitor("operator").get(f"/rollouts/new/{query}"), "No firewall was chosen")

    def test_it_offers_to_go_on_only_where_that_is_allowed(
        self, some: list[Firewall], box: Boxes
    ) -> None:
        breaks(box, some[0])
        rollout = rollouts.start(some, cause="again")
        assert finished(rollout)[0] == "stopped"
        client, place = visitor("operator"), f"/rollouts/{rollout.pk}/"
        page = client.get(place)
        assert says(page, "Retry the 1 that failed") and not offered(page, "resume")
        mend(box, some[0])
        rollouts.retry(rollout, "ada")
        assert finished(rollout)[0] == "paused"
        assert offered(client.get(place), "resume")

    def test_the_page_asks_again_while_it_runs_and_then_stops(self, some: list[Firewall]) -> None:
        rollout = rollouts.start(some, cause="watched")
        client, place = visitor(), f"/rollouts/{rollout.pk}/"
        part = client.get(place, headers={"HX-Request": "true", "HX-Target": "rollout-status"})
        assert (
            b'hx-trigger="every 1s"' in part.content
            and b"<main" not in part.content
            and says(part, "0 of 6 done")
        )
        tasks.work()
        part = client.get(place, headers={"HX-Request": "true", "HX-Target": "rollout-status"})
        assert b"hx-trigger" not in part.content and says(
            part, "6 of 6 done: 6 confirmed, 0 failed"
        )

    def test_it_shows_what_went_wrong_and_only_those_if_asked(
        self, some: list[Firewall], box: Boxes
    ) -> None:
        breaks(box, some[2])
        rollout = rollouts.start(some, cause="one bad", max_failures=1)
        tasks.work()
        page = visitor("operator").get(f"/rollouts/{rollout.pk}/?state=failed")
        assert (
            says(page, "failed at write and went back")
            and some[2].name in words(page)
            and some[0].name not in words(page)
        )
        assert says(page, "Retry the 1 that failed")

    def test_an_operator_holds_it_and_a_viewer_may_not(self, some: list[Firewall]) -> None:
        rollout = rollouts.start(some, cause="buttons")
        place = f"/rollouts/{rollout.pk}/"
        assert says(visitor().post(f"{place}pause/"), "Pushing takes the role operator.", 403)
        assert says(visitor("operator").post(f"{place}pause/", follow=True), "Paused by operator.")
        assert (
            "A rollout that is paused cannot be paused."
            in visitor("operator").post(f"{place}pause/", follow=True).content.decode()
        )
        assert (
            visitor("operator").get(f"{place}pause/").status_code == 405
            and visitor("operator").post(f"{place}burn/").status_code == 404
        )

    def test_the_number_of_queries_does_not_grow(
        self, fra: World, box: Boxes, some: list[Firewall]
    ) -> None:
        small, large = (
            rollouts.start(some[:1], cause="small"),
            rollouts.start(some[1:], cause="large", sizes=["rest"]),
        )
        client = visitor("operator")
        assert queries(client, f"/rollouts/{small.pk}/") == queries(
            client, f"/rollouts/{large.pk}/"
        )
        before = queries(client, "/rollouts/")
        rollouts.start(some, cause="one more")
        assert queries(client, "/rollouts/") == before
