"""The audit trail: what is recorded at every door, who reads it, and how it reads."""

import csv
import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client

from config.access.models import Token
from firewalls.allocation import join, leave
from firewalls.models import Push
from firewalls.pushing.holding import hold
from machines.allocation import free_machine
from networks.allocation import allocate
from networks.common.audit import Actor, acting, operation
from networks.models import Activity, Address, Network, Project
from networks.stories import PER_PAGE, of_rows
from tests.api import Api, codes, someone
from tests.pages import queries, says, visitor, words
from tests.world import World, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]


@pytest.fixture
def fra() -> World:
    return world()


@pytest.fixture
def store(fra: World) -> Network:
    return fra.private("store", fra.storage)


def recorded_by(action: Callable[[], object]) -> list[Activity]:
    """What the action leaves in the audit trail, in the order in which it happened."""
    last = Activity.objects.order_by("-id").values_list("id", flat=True).first() or 0
    action()
    return list(Activity.objects.filter(id__gt=last).order_by("id"))


class TestWhatIsRecorded:
    def test_a_share_says_who_by_which_door_what_and_why(self, store: Network) -> None:
        admin = visitor("admin")
        (row,) = recorded_by(
            lambda: admin.post("/networks/store/share/", {"confirm": "store", "reason": "backups"})
        )
        assert (row.who, row.via, row.verb, row.kind, row.key) == (
            "admin",
            "browser",
            "changed",
            "network",
            "store",
        )
        assert (row.operation, row.reason) == ("store was shared", "backups")
        assert row.changes["shared"] == (False, True) and row.changes["shared_by"] == ("", "admin")
        assert set(row.changes) == {"shared", "shared_at", "shared_by", "shared_reason"}

    def test_one_request_is_one_event_and_its_id_is_in_the_answer(
        self, fra: World, store: Network
    ) -> None:
        body = {
            "name": "disk",
            "partition": "fra",
            "project": "storage-team",
            "networks": [{"network": "store"}],
        }
        request_id = str(uuid.uuid4())
        answer: list[Any] = []
        operator = Api("operator")
        rows = recorded_by(
            lambda: answer.append(operator.post("machines/", body, X_Request_ID=request_id))
        )
        assert answer[0].status_code == 201 and answer[0]["X-Request-ID"] == request_id
        assert [(row.kind, row.verb) for row in rows] == [
            ("machine", "created"),
            ("address", "created"),
        ]
        assert {(row.request, row.who, row.via, row.operation) for row in rows} == {
            (request_id, "operator", "api", "disk was allocated")
        }
        (event,) = of_rows(reversed(rows))
        assert event.sentence == "disk was allocated" and [
            change.row.kind for change in event.changes
        ] == ["machine", "address"]

    @pytest.mark.parametrize("names", [{"id": "lan", "name": "LAN"}, {"name": "LAN"}])
    def test_making_a_network_is_an_operation_with_its_name(
        self, fra: World, names: dict[str, str]
    ) -> None:
        body = {**names, "partition": "fra", "project": "shop"}
        admin = Api()
        rows = recorded_by(lambda: admin.post("networks/", body))
        assert [row.kind for row in rows] == ["network", "prefix"]
        assert {row.operation for row in rows} == {"LAN was made"}

    @pytest.mark.parametrize("forged", ["a b", "x" * 65, "*/ DROP", "é"])
    def test_an_id_that_is_none_is_replaced(self, store: Network, forged: str) -> None:
        answer = Client(headers={"X-Request-ID": forged}).get("/healthz")
        assert answer["X-Request-ID"] != forged and uuid.UUID(answer["X-Request-ID"])

    def test_a_token_is_named_as_the_one_who_acted(self, store: Network) -> None:
        _, text = Token.objects.issue("robot", "operator")
        client = Client(headers={"Authorization": f"Bearer {text}"})
        body = json.dumps({"network": "store", "project": "storage-team"})
        rows = recorded_by(
            lambda: client.post("/api/v1/ip-addresses/", body, content_type="application/json")
        )
        (row,) = (row for row in rows if row.kind == "address")
        assert row.via == "token" and row.who == Token.objects.get(name="robot").user.username
        assert text not in json.dumps(
            [[one.before, one.after, one.label, one.key] for one in Activity.objects.all()]
        )

    def test_secrets_leave_no_trace(self) -> None:
        user = someone("admin", "eve")

        def change() -> None:
            user.set_password("correct horse")
            user.save()
            Token.objects.issue("robot", "viewer")

        rows = recorded_by(change)
        recorded = json.dumps([[row.before, row.after] for row in rows])
        user.refresh_from_db()
        assert "password" not in recorded and user.password not in recorded
        assert Token.objects.get(name="robot").digest not in recorded and "digest" not in recorded

    def test_what_was_rolled_back_was_never_recorded(self, fra: World, store: Network) -> None:
        def half() -> None:
            with transaction.atomic():
                allocate(store, project=fra.storage)
                transaction.set_rollback(True)

        assert recorded_by(half) == []

    def test_a_refusal_is_not_recorded(self, fra: World, store: Network) -> None:
        admin = Api()
        assert (
            recorded_by(
                lambda: codes(
                    admin.post("ip-addresses/", {"network": "super-fra", "project": "shop"})
                )
            )
            == []
        )

    def test_saving_without_a_change_is_not_recorded(self, store: Network) -> None:
        assert recorded_by(store.save) == []

    def test_bulk_code_and_hand_written_statements_are_recorded_as_well(
        self, fra: World, store: Network
    ) -> None:
        def bulk() -> None:
            Network.objects.filter(pk="store").update(description="one")

        def by_hand() -> None:
            with connection.cursor() as cursor:
                cursor.execute(
                    "/* by hand */ UPDATE networks_network "
                    "SET description = 'two' WHERE id = 'store'"
                )

        (first,), (second,) = recorded_by(bulk), recorded_by(by_hand)
        assert first.changes == {"description": ("", "one")} and second.changes == {
            "description": ("one", "two")
        }
        assert second.via == "sql" and second.who

    def test_the_actor_cannot_end_the_comment_it_travels_in(self, store: Network) -> None:
        evil = "*/ DELETE FROM networks_address; /*"
        with acting(lambda: Actor(evil, "browser", "r1")), operation(evil, "why'; \\ \0 \n é 🦊"):
            (row,) = recorded_by(lambda: Network.objects.filter(pk="store").update(description="x"))
        assert (row.who, row.operation, row.reason) == (evil, evil, "why'; \\  \n é 🦊")

    def test_the_outermost_operation_counts(self, store: Network) -> None:
        with operation("outer"), operation("inner"):
            (row,) = recorded_by(lambda: Network.objects.filter(pk="store").update(description="x"))
        assert row.operation == "outer"

    def test_joining_and_leaving_belong_to_the_histories_of_both(
        self, fra: World, store: Network
    ) -> None:
        firewall = fra.firewall("shop-fw", fra.shop, fra.private("shop", fra.shop))
        store.share("ada")
        rows = recorded_by(lambda: (join(firewall, store), leave(firewall, store)))
        ours = [
            row
            for row in rows
            if f"firewall:{firewall.pk}" in row.about and "network:store" in row.about
        ]
        assert [(row.operation, row.verb) for row in ours if row.kind == "attachment"] == [
            ("shop-fw joined store", "created"),
            ("shop-fw left store", "removed"),
        ]

    def test_freeing_records_what_went_and_what_stays_reserved(
        self, fra: World, store: Network
    ) -> None:
        machine = fra.machine("disk", fra.storage, store)
        rows = recorded_by(lambda: free_machine(machine))
        assert {row.operation for row in rows} == {"disk was freed"}
        assert {(row.kind, row.verb) for row in rows} >= {
            ("address", "removed"),
            ("machine", "removed"),
        }

    def test_tasks_say_which_task(self, fra: World) -> None:
        from config.celery import begin, end
        from firewalls.tasks import reconcile

        firewall = fra.firewall("shop-fw", fra.shop, fra.private("shop", fra.shop))
        begin(task_id="t1", task=reconcile)
        try:
            rows = recorded_by(lambda: Push.objects.enqueue(firewall))
        finally:
            end()
        assert {(row.who, row.via, row.request) for row in rows} == {("reconcile", "task", "t1")}


class TestReading:
    def test_the_page_shows_an_event_with_its_reason_and_changes(
        self, fra: World, store: Network
    ) -> None:
        visitor("admin").post(
            "/networks/store/share/", {"confirm": "store", "reason": "backups for all"}
        )
        page = visitor().get("/activity/")
        assert says(page, "store was shared by admin browser “backups for all”")
        assert says(page, "shared no → yes")

    @pytest.mark.parametrize(
        "query, found",
        [
            ("object=store", True),
            ("object=shop", False),
            ("about=network:store", True),
            ("about=network:shop", False),
            ("who=ada", True),
            ("who=eve", False),
            ("kind=network", True),
            ("kind=push", False),
            ("verb=changed", True),
            ("since=2020-01-01", True),
            ("since=2999-01-01", False),
            ("until=2020-01-01", False),
            ("via=task", False),
            ("since=2020-13-45", True),
            ("object=%00store", True),
            ("before=1", False),
            ("before=²", True),
            ("before=" + "9" * 30, True),
            ("who=d", True),
            ("who=DA", True),
            ("request=r1", True),
        ],
    )
    def test_filters_narrow_it(self, store: Network, query: str, found: bool) -> None:
        with acting(lambda: Actor("ada", "browser", "r1")):
            store.share("ada", "backups for all")
        assert says(visitor().get(f"/activity/?{query}"), "backups for all") == found

    def test_whatever_is_recorded_can_be_chosen_and_found(self, fra: World, store: Network) -> None:
        home = fra.private("shop", fra.shop)
        hold(fra.firewall("shop-fw", fra.shop, home), by="ada", reason="on the bench")
        page = visitor().get("/activity/?kind=hold")
        recorded = set(Activity.objects.values_list("kind", flat=True))
        assert recorded <= {*page.context["kinds"]} and says(page, "on the bench")

    def test_a_long_story_is_one_of_a_page_and_has_a_page_of_its_own(
        self, fra: World, store: Network
    ) -> None:
        with acting(lambda: Actor("importer", "command", "r9")), operation("many were made"):
            Project.objects.bulk_create(Project(id=f"p{number}", name="p") for number in range(450))
        viewer = visitor()
        first = words(viewer.get("/activity/"))
        assert first.count("many were made") == 1 and "And 442 more." in first
        assert "super-fra" in first
        story = viewer.get("/activity/story/r9/")
        assert says(story, "many were made") and "project p0 created" in words(story)
        assert b'<a class="mono" href="/projects/p0/">' in story.content
        older = viewer.get(f"/activity/story/r9/?after={story.context['last'].id}")
        assert "project p100 created" in words(older) and "project p0 created" not in words(older)
        assert viewer.get("/activity/story/nothing/").status_code == 404

    def test_a_page_is_made_of_stories_and_none_is_missed_or_shown_twice(
        self, fra: World, store: Network
    ) -> None:
        for number in range(2 * PER_PAGE):
            with acting(lambda: Actor("ada", "browser", f"r{number}")):  # noqa: B023
                Project.objects.bulk_create(
                    Project(id=f"p{number}-{one}", name="p") for one in range(9)
                )
        viewer, shown, url = visitor(), [], "/activity/?who=ada"
        while url:
            page = viewer.get(url)
            shown.append([story.key for story in page.context["stories"]])
            last = page.context["last"]
            # Meanwhile an older one goes on: it stays where it began.
            with acting(lambda: Actor("ada", "browser", "r0")):
                Project(id=f"later-{len(shown)}", name="p").save()
            url = f"/activity/?who=ada&before={last.id}" if last else ""
        assert shown == [
            [f"r{number}" for number in reversed(range(PER_PAGE, 2 * PER_PAGE))],
            [f"r{number}" for number in reversed(range(PER_PAGE))],
        ]

    def test_objects_lead_to_their_pages_as_long_as_they_are_there(
        self, fra: World, store: Network
    ) -> None:
        lan = fra.private("shop", fra.shop)
        with acting(lambda: Actor("ada", "browser", "r1")):
            firewall = fra.firewall("shop-fw", fra.shop, lan)
        with acting(lambda: Actor("ada", "browser", "r2")):
            disk = fra.machine("disk", fra.storage, store)
            store.share("ada")
        page = visitor().get("/activity/?who=ada").content.decode()
        for path in (f"firewalls/{firewall.pk}", f"machines/{disk.pk}", "networks/store"):
            assert f'<a class="mono" href="/{path}/">' in page
        assert f'href="/machines/{firewall.pk}/"' not in page
        free_machine(disk)
        assert f'href="/machines/{disk.pk}/"' not in visitor().get("/activity/").content.decode()

    def test_every_kind_that_is_recorded_can_be_chosen(self, store: Network) -> None:
        kinds = re.findall(r"<option[^>]*>([^<]*)", visitor().get("/activity/").content.decode())
        assert {"rollout", "endpoint", "hold", "retired", "login"} <= set(kinds)

    def test_the_history_of_an_object_is_a_part_of_its_page(
        self, fra: World, store: Network
    ) -> None:
        store.share("ada", "backups for all")
        assert b'hx-get="/activity/network/store/"' in visitor().get("/networks/store/").content
        part = visitor().get(
            "/activity/network/store/", headers={"HX-Request": "true", "HX-Target": "history"}
        )
        assert says(part, "backups for all") and b"<html" not in part.content
        assert says(visitor().get("/activity/network/store/"), "History of store")
        assert says(
            visitor().get("/activity/network/nothing/"), "Nothing is recorded about it yet."
        )

    def test_every_role_reads_it_and_strangers_do_not(self, store: Network) -> None:
        assert Client().get("/activity/").status_code == 302
        assert Client().get("/api/v1/activity/").status_code == 401
        for role in ("viewer", "operator", "admin"):
            assert (
                visitor(role).get("/activity/").status_code == 200
                and Api(role).get("activity/").status_code == 200
            )

    def test_accounts_and_tokens_are_for_admins_only(self) -> None:
        User.objects.create(username="eve", email="eve@example.org")
        for role, seen in (("viewer", False), ("operator", False), ("admin", True)):
            assert ("eve@example.org" in visitor(role).get("/activity/").content.decode()) == seen
            assert (
                "eve@example.org" in Api(role).get("activity/?limit=1000").content.decode()
            ) == seen
            assert (
                "eve@example.org" in visitor(role).get("/activity/?format=csv").getvalue().decode()
            ) == seen

    def test_a_page_costs_the_same_however_much_happened(self, fra: World, store: Network) -> None:
        viewer = visitor()
        before = queries(viewer, "/activity/")
        for number in range(60):
            Address(
                address=f"10.128.3.{number + 1}",
                prefix=store.prefixes.get(),
                project=fra.storage,
                kind="static",
            ).save()
        assert queries(viewer, "/activity/") == before <= 14

    def test_the_export_has_everything_that_the_filters_leave(self, store: Network) -> None:
        store.share("ada", "=1+1")
        rows = list(
            csv.DictReader(
                visitor().get("/activity/?format=csv&object=store").getvalue().decode().splitlines()
            )
        )
        assert (
            rows[0]["operation"] == "store was shared"
            and rows[0]["reason"] == "'=1+1"
            and len(rows) == Activity.objects.of("store").count()
        )


class TestOverRest:
    def test_a_change_is_shown_with_all_its_sides(self, store: Network) -> None:
        with acting(lambda: Actor("ada", "browser", "r1")):
            store.share("ada", "backups")
        (row,) = Api("viewer").get("activity/?request_id=r1").json()["results"]
        assert (
            row["who"] == "ada"
            and row["what"] == "changed"
            and row["object"] == {"kind": "network", "id": "store", "name": "store"}
        )
        assert (
            row["before"]["shared"] is False
            and row["after"]["shared"] is True
            and row["reason"] == "backups"
        )
        assert row["when"].endswith("Z") and row["request_id"] == "r1"

    @pytest.mark.parametrize(
        "query",
        [
            "who=ada",
            "what=changed&kind=network",
            "object=store&via=browser",
            "about=network:store&who=ada",
        ],
    )
    def test_filters_are_exact(self, store: Network, query: str) -> None:
        with acting(lambda: Actor("ada", "browser", "r1")):
            store.share("ada")
        assert [
            row["request_id"] for row in Api("viewer").get(f"activity/?{query}").json()["results"]
        ] == ["r1"]
        assert Api("viewer").get("activity/?who=nobody").json()["count"] == 0

    def test_nobody_writes_there(self, store: Network) -> None:
        row = Activity.objects.order_by("-id")[0]
        for call in (Api().patch, Api().delete):
            assert call(f"activity/{row.pk}/").status_code == 405
        assert Api().post("activity/", {}).status_code == 405

    def test_nor_in_the_admin(self, store: Network) -> None:
        root = User.objects.create_superuser("root")
        client = Client()
        client.force_login(root)
        row = Activity.objects.order_by("-id")[0]
        assert client.get(f"/admin/networks/activity/{row.pk}/change/").status_code == 200
        assert (
            client.post(f"/admin/networks/activity/{row.pk}/change/", {"who": "me"}).status_code
            == 403
        )
        assert (
            client.post(f"/admin/networks/activity/{row.pk}/delete/", {"post": "yes"}).status_code
            == 403
        )
        assert client.get("/admin/networks/activity/add/").status_code == 403
