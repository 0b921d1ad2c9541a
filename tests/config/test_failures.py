"""While the database is away, full or busy, every door answers 503 with the reason, never 500."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from config.celery import app
from firewalls.allocation import join
from firewalls.models import Push, lock_firewalls
from tests.api import Api, codes
from tests.test_admin import staff
from tests.world import World, world

pytestmark = pytest.mark.django_db(transaction=True)
PARTITION = {"id": "muc", "name": "MUC"}


@pytest.fixture
def fra(published: list[str]) -> World:
    return world()


def quiet(client: Client) -> Client:
    """Answers as a server does, where the test client would raise the error."""
    client.raise_request_exception = False
    return client


@contextmanager
def database_away() -> Iterator[None]:
    """Nothing listens where the database is looked for."""
    host, name = connection.settings_dict["HOST"], "/nowhere"
    options = connection.settings_dict["OPTIONS"]
    before = dict(options)
    connection.close()
    connection.settings_dict["HOST"] = name
    options.update(host=name)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["HOST"] = host
        options.clear()
        options.update(before)


@contextmanager
def refusing(table: str, code: str) -> Iterator[None]:
    """The database refuses to write to this table, with this code of an error."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION test_refuses() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}', MESSAGE = 'no'; END $$"
        )
        cursor.execute(
            f"CREATE TRIGGER test_refuses BEFORE INSERT OR UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION test_refuses()"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION test_refuses CASCADE")


def test_the_database_is_away(fra: World) -> None:
    api, client, support = Api(), Client(), staff()
    quiet(api.client), quiet(client), quiet(support)
    with database_away():
        read, written = api.get("networks/"), api.post("partitions/", PARTITION)
        kept = api.post("partitions/", PARTITION, Idempotency_Key="k")
        pages = [client.get("/login/"), support.get("/networks/"), support.get("/admin/")]
    for answer in (read, written, kept):
        assert codes(answer, 503) == {"non_field_errors": ["database_away"]}
        assert answer["Retry-After"] == "5"
    assert "look first" in written.json()["non_field_errors"][0]["message"]
    for page in pages[1:]:
        assert page.status_code == 503 and page["Retry-After"] == "5"
        assert b"The database does not answer" in page.content
    assert pages[0].status_code == 200, "nothing is needed of it"
    assert api.get("networks/").status_code == 200 and support.get("/networks/").status_code == 200
    assert api.post("partitions/", PARTITION, Idempotency_Key="k").status_code == 201


@pytest.mark.parametrize(
    ("code", "status", "reason", "words"),
    [
        ("53100", 503, "disk_full", b"There is no room on the disk"),
        ("53300", 503, "overloaded", b"overloaded"),
        ("25006", 503, "read_only", b"can only be read"),
        ("57014", 503, "busy", b"Others were quicker"),
        ("40001", 503, "busy", b"Others were quicker"),
        ("23503", 409, "conflict", b"was changed or removed at that moment"),
        ("57P01", 503, "database_away", b"does not answer"),
    ],
)
def test_the_database_refuses(
    fra: World, code: str, status: int, reason: str, words: bytes
) -> None:
    firewall = fra.firewall("fw", fra.shop, fra.private("shop", fra.shop))
    api, support = Api(), staff()
    quiet(api.client), quiet(support)
    with refusing("firewalls_push", code):
        answer = api.post(f"firewalls/{firewall.pk}/push/", {})
        page = support.post(f"/firewalls/{firewall.pk}/push/")
    assert codes(answer, status) == {"non_field_errors": [reason]}
    assert page.status_code == status and words in page.content
    assert not Push.objects.exists()


def test_a_mistake_of_the_product_is_still_one(fra: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("networks.api.networks.create_network_in_transaction", broken)
    api = Api()
    quiet(api.client)
    answer = api.post("networks/", {"id": "x", "partition": "fra", "project": "shop"})
    assert codes(answer, 500) == {"non_field_errors": ["error"]} and "Retry-After" not in answer


class Stranger:
    """Somebody's own SQL, which locks a network before a machine."""

    def __init__(self, machine: Any) -> None:
        self.machine = machine
        self.has_network, self.may_go_on = threading.Event(), threading.Event()

    def run(self) -> None:
        parameters = connection.get_connection_params()
        login = {
            name: parameters[name]
            for name in ("host", "port", "user", "dbname")
            if parameters.get(name)
        }
        with psycopg.connect(**login) as own, own.transaction():
            own.execute("SET LOCAL deadlock_timeout = '20s'")  # so the other one is the victim
            own.execute("SELECT FROM networks_network WHERE id = 'storage' FOR UPDATE")
            self.has_network.set()
            assert self.may_go_on.wait(20)
            own.execute("SELECT FROM machines_machine WHERE id = %s FOR UPDATE", [self.machine.pk])


@pytest.mark.parametrize("door", ["rest", "admin"])
def test_the_victim_of_somebodys_deadlock_is_done_again(
    fra: World, door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    firewall = fra.firewall("fw", fra.shop, fra.private("shop", fra.shop))
    fra.private("storage", fra.storage, shared=True)
    stranger = Stranger(firewall.machine)
    thread = threading.Thread(target=stranger.run)
    tries = []

    def joining(*args: Any, **kwargs: Any) -> Any:
        tries.append(1)
        lock_firewalls([firewall.pk])  # which the other one wants next
        stranger.may_go_on.set()
        return join(*args, **kwargs)

    monkeypatch.setattr("firewalls.api.firewalls.join", joining)
    monkeypatch.setattr("firewalls.admin.attachments.join", joining)
    thread.start()
    assert stranger.has_network.wait(20)
    try:
        if door == "rest":
            answer = Api().post(f"firewalls/{firewall.pk}/attachments/", {"network": "storage"})
        else:
            wanted = {"firewall": str(firewall.pk), "network": "storage"}
            answer = staff().post("/admin/firewalls/attachment/add/", wanted)
    finally:
        stranger.may_go_on.set()
        thread.join()
    assert answer.status_code in (201, 302), answer.content
    assert len(tries) > 1 and firewall.attachments.filter(network="storage").count() == 1


def test_while_nobody_can_be_known_nobody_is_told_more_than_that_it_is_not_ready(
    fra: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.control, "ping", lambda **options: [{"worker": "pong"}])
    support = quiet(staff())
    with database_away():
        answer = support.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["failing"] == {"database": "The database does not answer."}
