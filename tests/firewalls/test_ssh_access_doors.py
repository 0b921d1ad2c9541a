"""SSH access at every door: page, REST, admin and the rows; and what is seen of jump hosts."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.urls import reverse

from firewalls import tasks
from firewalls.allocation import free_firewall
from firewalls.device.target import TransportError
from firewalls.models import Firewall, JumpObservation, Observation, Retired, SshAccess
from firewalls.pushing import recording, retiring
from firewalls.pushing.hostkeys import fingerprint_of
from firewalls.pushing.jobs import REACHED_BY, target_of
from networks.models import Activity, Carried
from tests.api import Api, codes
from tests.firewalls.pushes import push, state
from tests.pages import says, visitor
from tests.test_admin import sent, staff
from tests.world import World, world

ONE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Y3rUVhqgnxPCjAmoEEVRVFjjIrc3kYmkkHOOkzZM3"
TWO = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
HOP = {"jump_host": "hop.example", "jump_port": 22, "jump_user": "hop", "jump_key": ONE}
NONE = {"jump_host": "", "jump_port": 22, "jump_user": "", "jump_key": "", "host_ca": ""}
DOORS = ["orm", "page", "rest", "admin"]
Refusal = dict[str, list[str]]


@pytest.fixture
def there() -> World:
    fra = world()
    fra.firewall("fw", fra.shop, fra.private("shop", fra.shop), host="192.0.2.9", host_key=ONE)
    return fra


def firewall() -> Firewall:
    rows = Firewall.objects.select_related("observation", *REACHED_BY)
    return rows.get(machine__name="fw")


def attempted(door: str, fields: dict[str, Any], where: str = "partition") -> Refusal:
    """What this door says to an access of the partition, or of its firewall, with these fields."""
    owner = {"partition": "fra"} if where == "partition" else {"firewall": str(firewall().pk)}
    if door == "orm":
        return by_the_row(fields, owner)
    if door == "rest":
        answer = Api("operator").post("ssh-access/", owner | fields)
        return {} if answer.status_code == 201 else codes(answer)
    if door == "page":
        path = (
            "/partitions/fra/ssh/" if where == "partition" else f"/firewalls/{firewall().pk}/ssh/"
        )
        return by_the_form(visitor("operator").post(path, NONE | fields), "form")
    page = reverse("admin:firewalls_sshaccess_add")
    return by_the_form(staff("operator").post(page, owner | NONE | fields), "adminform")


def by_the_row(fields: dict[str, Any], owner: dict[str, str]) -> Refusal:
    try:
        with transaction.atomic():
            SshAccess.objects.create(**{f"{name}_id": key for name, key in owner.items()}, **fields)
    except ValidationError as error:
        return {
            name.replace("__all__", "non_field_errors"): [one.code or "" for one in errors]
            for name, errors in error.error_dict.items()
        }
    return {}


def by_the_form(answer: Any, name: str) -> Refusal:
    if answer.status_code == 302:
        return {}
    form = answer.context[name]
    errors = getattr(form, "form", form).errors.as_data()
    return {
        field.replace("__all__", "non_field_errors"): [one.code for one in found]
        for field, found in errors.items()
    }


@pytest.mark.django_db
@pytest.mark.usefixtures("there")
class TestDoors:
    @pytest.mark.parametrize("where", ["partition", "firewall"])
    @pytest.mark.parametrize("door", DOORS)
    def test_an_access_is_made(self, door: str, where: str) -> None:
        assert attempted(door, HOP, where) == {}
        row = SshAccess.objects.get()
        assert getattr(row, f"{where}_id") in ("fra", firewall().pk) and row.jump_user == "hop"
        jump = target_of(firewall()).jump
        assert jump and jump.place == "hop.example:22"
        assert Activity.objects.filter(kind="ssh-access", verb="created").exists()

    @pytest.mark.parametrize("door", DOORS)
    @pytest.mark.parametrize(
        ("fields", "refused"),
        [
            (HOP | {"jump_key": ""}, {"non_field_errors": ["not_pinned"]}),
            (HOP | {"jump_user": ""}, {"non_field_errors": ["not_pinned"]}),
            (HOP | {"jump_user": "Not A User"}, {"jump_user": ["invalid_user"]}),
            (HOP | {"jump_key": "no key"}, {"jump_key": ["invalid_host_key"]}),
            (HOP | {"jump_host": "not a host"}, {"jump_host": ["invalid_host"]}),
            ({"host_ca": "no key"}, {"host_ca": ["invalid_host_key"]}),
            (HOP | {"jump_port": 65536}, {"jump_port": ["max_value"]}),
        ],
    )
    def test_what_is_wrong_is_refused_with_the_same_words(
        self, door: str, fields: dict[str, Any], refused: Refusal
    ) -> None:
        assert attempted(door, fields) == refused
        assert not SshAccess.objects.exists()

    @pytest.mark.parametrize("statement", ["both", "neither", "without a key"])
    def test_the_database_holds_it_against_sql(self, statement: str) -> None:
        owner = {"both": ("'fra'", f"'{firewall().pk}'"), "neither": ("NULL", "NULL")}
        partition, fw = owner.get(statement, ("'fra'", "NULL"))
        host = "hop" if statement == "without a key" else ""
        with pytest.raises(IntegrityError), connection.cursor() as cursor, transaction.atomic():
            cursor.execute(
                "INSERT INTO firewalls_sshaccess (partition_id, firewall_id, jump_host, "
                "jump_port, jump_user, jump_key, host_ca) "
                f"VALUES ({partition}, {fw}, '{host}', 22, '', '', '')"
            )

    @pytest.mark.parametrize("role", ["viewer", "operator"])
    def test_operators_change_and_remove_it_and_viewers_read(self, role: str) -> None:
        access = SshAccess.objects.create(partition_id="fra", **HOP)
        may, api, browser = role == "operator", Api(role), visitor(role)
        assert api.get(f"ssh-access/{access.pk}/").json()["jump_host"] == "hop.example"
        assert "hop.example" in browser.get("/partitions/fra/ssh/").content.decode()
        changed = api.patch(f"ssh-access/{access.pk}/", {"jump_user": "other"})
        assert changed.status_code == (200 if may else 403)
        posted = browser.post("/partitions/fra/ssh/", NONE | HOP | {"jump_user": "third"})
        assert posted.status_code == (302 if may else 403)
        page = reverse("admin:firewalls_sshaccess_change", args=[access.pk])
        data = sent("firewalls_sshaccess", access.pk, jump_user="fourth")
        assert staff(role).post(page, data).status_code == (302 if may else 403)
        access.refresh_from_db()
        assert access.jump_user == ("fourth" if may else "hop")
        removed = browser.post(f"/ssh/{access.pk}/remove/")
        assert removed.status_code == (302 if may else 403)
        assert SshAccess.objects.exists() is not may

    def test_it_stays_of_whom_it_is_of(self) -> None:
        access = SshAccess.objects.create(partition_id="fra", **HOP)
        answer = Api("operator").patch(
            f"ssh-access/{access.pk}/", {"partition": None, "firewall": str(firewall().pk)}
        )
        assert codes(answer) == {"partition": ["identity"]}

    def test_a_stale_write_is_refused_and_a_repeated_one_done_once(self) -> None:
        api = Api("operator")
        first = api.post("ssh-access/", {"partition": "fra", **HOP})
        path, tag = f"ssh-access/{first.json()['id']}/", first["ETag"]
        assert api.patch(path, {"jump_user": "a"}, if_match=tag).status_code == 200
        assert api.patch(path, {"jump_user": "b"}, if_match=tag).status_code == 412
        again = {"firewall": str(firewall().pk), **HOP}
        answers = [api.post("ssh-access/", again, idempotency_key="one") for _ in range(2)]
        assert [one.status_code for one in answers] == [201, 201]
        assert answers[0].json() == answers[1].json() and SshAccess.objects.count() == 2

    def test_a_list_takes_as_many_queries_as_one(
        self, there: World, django_assert_max_num_queries: Any
    ) -> None:
        api = Api("viewer")
        for number in range(5):
            there.firewall(f"other-{number}", there.shop, there.private(f"n{number}", there.shop))
        for row in Firewall.objects.all():
            SshAccess.objects.create(firewall=row, **HOP)
        api.get("ssh-access/")
        with django_assert_max_num_queries(5):
            assert api.get("ssh-access/").json()["count"] == 6
        assert api.get(f"ssh-access/?firewall={firewall().pk}").json()["count"] == 1
        assert (
            api.get("firewalls/").json()["results"][0]["through"]["jump_host"] == "hop.example:22"
        )


SILENT = TransportError(
    "fw is behind a jump host. hop does not answer. Nothing is known of fw.",
    unreachable=True,
    jump=TransportError("hop does not answer.", unreachable=True),
)
OTHER_KEY = TransportError(
    "fw is behind a jump host. hop shows another host key. Nothing is known of fw.",
    jump=TransportError("hop shows another host key.", offered_key=TWO),
)


@pytest.mark.django_db
@pytest.mark.usefixtures("there")
class TestWhatIsSeenOfIt:
    @pytest.fixture
    def access(self) -> SshAccess:
        return SshAccess.objects.create(partition_id="fra", **HOP)

    @pytest.mark.parametrize("error", [SILENT, OTHER_KEY])
    def test_its_trouble_is_told_and_nothing_is_said_of_the_firewall(
        self, access: SshAccess, error: TransportError
    ) -> None:
        Observation.objects.update(checked_at="2026-01-01T00:00Z")
        recording.record_inspection(firewall(), error)
        seen = firewall().observation
        assert state(firewall()) == "refused" and seen.unreachable_since is None
        assert seen.offered_key == "" and seen.checked_at and seen.checked_at.month == 1
        trouble = str(error.jump)
        shown = Api("viewer").get(f"firewalls/{firewall().pk}/").json()
        assert shown["state"] == "unreachable" and "Nothing is known of fw" in shown["refusal"]
        assert shown["through"] == {
            "access": access.pk,
            "jump_host": "hop.example:22",
            "trouble": trouble,
        }
        row = Api("viewer").get(f"ssh-access/{access.pk}/").json()
        assert row["trouble"] == trouble and row["failed_at"]
        browser = visitor("viewer")
        assert says(browser.get(f"/firewalls/{firewall().pk}/"), "nothing is known of it since")
        assert not says(browser.get(f"/firewalls/{firewall().pk}/"), "It refused to be looked at")
        assert says(browser.get("/partitions/fra/ssh/"), trouble)

    def test_one_that_lets_through_again_ends_it_and_has_the_others_looked_at(
        self, access: SshAccess, there: World, django_capture_on_commit_callbacks: Any
    ) -> None:
        own = there.private("n", there.shop)
        other = there.firewall("other", there.shop, own, host="192.0.2.8")
        for one in (firewall(), Firewall.objects.get(pk=other.pk)):
            recording.record_inspection(one, SILENT)
        with django_capture_on_commit_callbacks(execute=True):
            recording.record_inspection(firewall(), TransportError("fw said no."))
        access.refresh_from_db()
        assert JumpObservation.objects.get().tried == "" and access.trouble == ""
        due = Observation.objects.filter(check_due_at__lte=Now())
        assert due.filter(pk=other.pk).exists()

    def test_another_key_is_confirmed_by_its_fingerprint_alone(self, access: SshAccess) -> None:
        path = f"ssh-access/{access.pk}/host-key/"
        assert codes(Api("operator").post(path, {"fingerprint": "x"})) == {
            "fingerprint": ["nothing_shown"]
        }
        recording.record_inspection(firewall(), OTHER_KEY)
        keys = Api("viewer").get(path).json()
        assert keys["changed"] and keys["offered"]["fingerprint"] == fingerprint_of(TWO)
        assert Api("viewer").post(path, {"fingerprint": "x"}).status_code == 403
        assert codes(Api("operator").post(path, {"fingerprint": fingerprint_of(ONE)})) == {
            "fingerprint": ["not_confirmed"]
        }
        operator = visitor("operator")
        page = f"/ssh/{access.pk}/jump-key/"
        assert says(operator.get("/partitions/fra/ssh/"), fingerprint_of(TWO))
        assert operator.post(page, {"fingerprint": "no"}).status_code == 422
        assert visitor("viewer").post(page, {"fingerprint": "no"}).status_code == 403
        assert operator.post(page, {"fingerprint": fingerprint_of(TWO)}).status_code == 302
        access.refresh_from_db()
        assert access.jump_key == TWO and access.trouble == "" and access.offered_key == ""
        last = Activity.objects.filter(kind="ssh-access").latest("pk")
        assert last.operation == "the host key of the jump host of fra was confirmed"

    def test_of_another_jump_host_it_says_nothing(self, access: SshAccess) -> None:
        recording.record_inspection(firewall(), OTHER_KEY)
        SshAccess.objects.filter(pk=access.pk).update(jump_host="other.example")
        access.refresh_from_db()
        assert access.trouble == "" and access.offered_key == ""
        assert says(visitor("viewer").get("/partitions/fra/ssh/"), "through a jump host")


@pytest.mark.django_db(transaction=True)
class TestRetired:
    @pytest.fixture
    def own(self, make: Callable[..., Firewall], firewall_name: str) -> Firewall:
        made = make(firewall_name)
        assert push(made).state == "confirmed"
        SshAccess.objects.create(firewall=made, **HOP)
        return Firewall.objects.get(pk=made.pk)

    def reached_as_before(self, key: Any) -> None:
        retired = Retired.objects.get(pk=key)
        jump = target_of(retired).jump
        assert jump and jump.place == "hop.example:22"
        row = Api("viewer").get(f"retired-firewalls/{key}/").json()
        assert row["through"]["jump_host"] == "hop.example:22"
        assert says(visitor("viewer").get(f"/retired/{key}/"), "hop.example:22")
        assert visitor("operator").get(f"/retired/{key}/ssh/").status_code == 200

    def test_a_firewalls_own_access_survives_freeing(self, own: Firewall) -> None:
        key = own.pk
        free_firewall(own)
        self.reached_as_before(key)
        retired = Retired.objects.get(pk=key)
        retiring.gone(retired, retired.name)
        assert not SshAccess.objects.exists() and not JumpObservation.objects.exists()

    def test_by_sql_too(self, own: Firewall) -> None:
        key = own.pk
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE networks_address SET machine_id = NULL, kind = 'static' "
                "WHERE machine_id = %s",
                [key],
            )
            cursor.execute("UPDATE firewalls_firewall SET wanted_id = NULL")
            cursor.execute("UPDATE firewalls_observation SET applied_id = NULL")
            for table in ("attachment", "push", "revision", "survey", "applier"):
                cursor.execute(f"DELETE FROM firewalls_{table} WHERE firewall_id = %s", [key])
            cursor.execute("DELETE FROM firewalls_firewall WHERE machine_id = %s", [key])
        self.reached_as_before(key)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM firewalls_retired WHERE id = %s", [key])
        assert not SshAccess.objects.exists() and not JumpObservation.objects.exists()

    def test_of_one_that_leaves_nothing_it_goes(self, own: Firewall) -> None:
        Carried.objects.all().delete()
        assert free_firewall(own) is None
        assert not SshAccess.objects.exists()

    def test_what_its_jump_host_says_when_it_is_taken_off_is_told(self, own: Firewall) -> None:
        SshAccess.objects.update(jump_host="127.0.0.1", jump_port=1)
        retired = free_firewall(own)
        assert retired
        tasks.ask_to_take_off(retired, "ada")
        retiring.take_off(retired.pk)
        retired.refresh_from_db()
        assert f"Nothing is known of {retired.name}" in retired.error
        assert "does not answer" in SshAccess.objects.select_related("seen").get().trouble


@pytest.mark.django_db(transaction=True)
def test_the_page_of_one_firewall_speaks_of_one(there: World) -> None:
    operator = visitor("operator")
    assert says(operator.get(f"/firewalls/{firewall().pk}/ssh/"), "It is reached through its SSH;")
    assert says(operator.get("/partitions/fra/ssh/"), "They are reached through its SSH;")
