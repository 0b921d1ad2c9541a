"""Who knocks: passwords are tried a few times, tokens looked up cheaply, and both are on record."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.access import counters as shared
from config.access import knocks, throttle
from config.access.counters import Counters
from config.access.logins import Turns
from config.access.models import Token
from config.access.origins import client_address, is_local, origin
from networks.models import Activity
from tests.pages import visitor, words

pytestmark = pytest.mark.django_db
PASSWORD, HERE, ELSEWHERE = "a long word of ada", "192.0.2.7", "198.51.100.9"
DOORS = ("/login/", "/admin/login/")
UNKNOWN = "sn_" + "x" * 43


class Hasher(PBKDF2PasswordHasher):
    """Quick, and counts how often it would have been slow."""

    iterations = 1
    computed: list[str] = []

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        self.computed.append(salt)
        return super().encode(password, salt, iterations)


@pytest.fixture(autouse=True)
def hashes(settings: Any) -> Iterator[list[str]]:
    settings.PASSWORD_HASHERS = [f"{__name__}.Hasher"]
    settings.AUTH_PASSWORD_VALIDATORS = []
    User.objects.create_superuser("ada", password=PASSWORD)
    forget()
    Hasher.computed.clear()
    yield Hasher.computed
    forget()


def forget() -> None:
    """All that was counted, and that Valkey was away."""
    shared.counters.away_until = 0.0
    shared.counters._shared.reset()
    shared.counters._own.reset()


def log_in(password: str, name: str = "ada", address: str = HERE, door: str = DOORS[0]) -> Any:
    form = {"username": name, "password": password}
    return Client().post(door, form, REMOTE_ADDR=address)


def trail(**filters: Any) -> list[Activity]:
    return list(Activity.objects.filter(kind="login", **filters).order_by("id"))


def everything_on_record() -> str:
    return repr(list(Activity.objects.values_list()))


class TestLogins:
    @pytest.mark.parametrize("door", DOORS)
    def test_forty_wrong_passwords_cost_five_hashes_and_say_how_long_to_wait(
        self, door: str, hashes: list[str]
    ) -> None:
        answers = [log_in(f"wrong {number}", door=door) for number in range(40)]
        assert len(hashes) == throttle.OF_NAME.number
        assert [one.status_code for one in answers] == [200] * 5 + [429] * 35
        assert 0 < int(answers[-1]["Retry-After"]) <= throttle.OF_NAME.seconds
        text = answers[-1].content.decode()
        sentence = "Too many wrong passwords for this user name from your address. Try again in"
        assert sentence in text and "minutes" in text
        assert log_in(PASSWORD, door=door).status_code == 429, "the right one does not help"

    def test_of_names_that_are_nobodys_too(self, hashes: list[str]) -> None:
        answers = [log_in("wrong", name=f"guess-{number}") for number in range(60)]
        assert len(hashes) == throttle.OF_CLIENT.number
        assert answers[-1].status_code == 429
        assert "Too many wrong passwords from your address." in words(answers[-1])

    def test_a_name_spelled_in_capitals_is_the_same_name(self, hashes: list[str]) -> None:
        for name in ("ada", "Ada", "ADA", "aDa", "adA", "ada", "ADa"):
            log_in("wrong", name=name)
        assert len(hashes) == throttle.OF_NAME.number

    def test_a_person_elsewhere_is_let_in_all_the_same(self) -> None:
        for _ in range(40):
            log_in("wrong")
        assert log_in(PASSWORD, address=ELSEWHERE).status_code == 302
        assert log_in(PASSWORD).status_code == 429

    def test_all_addresses_of_one_ipv6_network_are_one_client(self, hashes: list[str]) -> None:
        for number in range(40):
            log_in("wrong", address=f"2001:db8:7:7::{number:x}")
        assert len(hashes) == throttle.OF_NAME.number
        assert log_in(PASSWORD, address="2001:db8:7:8::1").status_code == 302

    def test_the_right_password_forgives_the_wrong_ones_for_that_name_alone(self) -> None:
        for _ in range(20):  # with an account of one's own nobody gets more guesses at others
            log_in(PASSWORD)
            log_in("wrong", name="bob")
        assert log_in("wrong", name="bob").status_code == 429
        for _ in range(4):
            assert log_in("wrong").status_code == 200
        assert log_in(PASSWORD).status_code == 302

    def test_one_hash_at_a_time_and_few_who_wait_for_it(self) -> None:
        nobody, briefly = Turns(waiting=0, seconds=20), Turns(waiting=1, seconds=0.01)
        for turns in (nobody, briefly):
            with turns.next():
                assert [outcome(turns), outcome(turns)] == ["throttled"] * 2
            assert outcome(turns) == "in"

    def test_who_waits_comes_next(self) -> None:
        turns = Turns(waiting=1, seconds=20)
        with ThreadPoolExecutor(1) as pool:
            with turns.next():
                waiting = pool.submit(outcome, turns)
                time.sleep(0.05)
            assert waiting.result(20) == "in"

    def test_nothing_is_throttled_that_no_client_sends(self) -> None:
        assert not Client().login(username="ada", password="wrong")
        assert Client().login(username="ada", password=PASSWORD)
        assert trail() == []


def outcome(turns: Turns) -> str:
    try:
        with turns.next():
            return "in"
    except ValidationError as error:
        return error.code or ""


class TestRecord:
    def test_who_was_let_in_from_where(self) -> None:
        log_in(PASSWORD)
        (row,) = trail()
        assert row.after == {"outcome": "login", "from": HERE, "times": 1}
        assert (row.who, row.via, row.label) == ("ada", "browser", "ada")
        assert row.operation == f"login of ada from {HERE}"
        assert f"user:{User.objects.get().pk}" in row.about

    def test_forty_refused_are_few_rows_that_say_how_many_they_were(self) -> None:
        for _ in range(40):
            log_in("wrong", door="/admin/login/")
        rows = trail(label="ada")
        assert [row.after["times"] for row in rows if row.after] == [1, 2, 3, 4, 5, 10]
        assert [row.after["locked_seconds"] > 0 for row in rows[4:] if row.after] == [True] * 2
        assert {(row.who, row.via) for row in rows} == {("", "admin")}
        assert rows[-1].operation == f"refused login of ada from {HERE}, 10 times within an hour"

    def test_what_was_typed_is_not_written(self) -> None:
        log_in("my secret")
        log_in("x", name="my secret")  # in the wrong field
        token = UNKNOWN.replace("x", "s")
        Client().get("/api/v1/", headers={"Authorization": f"Bearer {token}"})
        text = everything_on_record()
        assert len(trail()) == 3 and "my secret" not in text and token not in text

    def test_a_flood_from_everywhere_does_not_fill_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(knocks, "MOST_CLIENTS", 20)
        for number in range(100):
            log_in("wrong", name=f"guess-{number}", address=f"10.0.0.{number}")
        assert len(trail()) == 20 + 6  # 1 to 5, and 10, of the 80 others
        log_in("wrong", address="10.0.1.1")
        last = trail()[-1]
        assert (last.label, last.key) == ("ada", knocks.ELSEWHERE), "an account's stays seen"

    def test_is_for_those_alone_who_may_see_accounts(self) -> None:
        log_in("wrong")
        assert "refused login" in words(visitor("admin").get("/activity/"))
        assert "refused login" in words(visitor("admin").get("/activity/?object=ada"))
        assert "refused login" in words(visitor("admin").get(f"/activity/?object={HERE}"))
        assert "refused login" not in words(visitor("operator").get("/activity/"))


class TestTokens:
    def ask(self, text: str, address: str = HERE, **headers: str) -> Any:
        sent = {"Authorization": f"Bearer {text}"} | headers
        return Client().get("/api/v1/networks/", headers=sent, REMOTE_ADDR=address)

    def test_a_flood_is_told_to_wait_and_stops_no_program_from_there(self) -> None:
        _, text = Token.objects.issue("ci", "viewer")
        answers = [self.ask(UNKNOWN) for _ in range(throttle.OF_TOKENS.number + 3)]
        assert [one.status_code for one in answers] == [401] * 60 + [429] * 3
        assert 0 < int(answers[-1]["Retry-After"]) <= 60
        assert self.ask(text).status_code == 200
        assert self.ask(UNKNOWN, address=ELSEWHERE).status_code == 401
        times = [row.after["times"] for row in trail() if row.after]
        assert times == [1, 2, 3, 4, 5, 10, 1]

    def test_one_that_is_over_is_on_record_by_its_name(self) -> None:
        token, text = Token.objects.issue("ci", "viewer")
        Token.objects.update(expires_at=timezone.now())
        assert self.ask(text).status_code == 401
        (row,) = trail()
        assert row.operation == f"refused token of ci from {HERE}"
        assert f"token:{token.pk}" in row.about and row.via == "token"

    def test_no_password_is_hashed_for_one_and_what_is_none_is_not_looked_up(
        self, hashes: list[str]
    ) -> None:
        for _ in range(40):
            self.ask("wrong")
            self.ask(UNKNOWN)
        assert hashes == []
        with CaptureQueriesContext(connection) as queries:
            assert Token.objects.find("sn_wrong") is None and Token.objects.find("") is None
        assert len(queries) == 0

    def test_is_looked_up_and_counted_once_in_a_request(self) -> None:
        body, sent = "{}", {"Authorization": f"Bearer {UNKNOWN}", "Idempotency-Key": "k"}
        kind = "application/json"
        Client().post("/api/v1/projects/", body, content_type=kind, headers=sent, REMOTE_ADDR=HERE)
        assert shared.counters.get(f"token:{HERE}").number == 1 and len(trail()) == 1
        _, text = Token.objects.issue("ci", "admin")
        sent = {"Authorization": f"Bearer {text}", "Idempotency-Key": "k"}
        with CaptureQueriesContext(connection) as queries:
            Client().post("/api/v1/projects/", body, content_type=kind, headers=sent)
        assert sum("FROM config_token JOIN" in one["sql"] for one in queries) == 1


class TestValkeyAway:
    @pytest.fixture(autouse=True)
    def away(self, monkeypatch: pytest.MonkeyPatch) -> Counters:
        own = Counters("redis://127.0.0.1:1/0")
        monkeypatch.setattr(throttle, "counters", own)
        monkeypatch.setattr(knocks, "counters", own)
        return own

    def test_each_process_holds_the_limits_by_itself(self, hashes: list[str]) -> None:
        answers = [log_in("wrong").status_code for _ in range(40)]
        assert len(hashes) == 5 and answers == [200] * 5 + [429] * 35
        assert log_in(PASSWORD, address=ELSEWHERE).status_code == 302
        assert len(trail(label="ada")) == 7

    def test_it_is_not_waited_for_again_and_again(
        self, away: Counters, caplog: pytest.LogCaptureFixture
    ) -> None:
        for _ in range(20):
            away.add("x", 60)
        assert away.get("x").number == 20
        assert [one.getMessage()[:24] for one in caplog.records] == ["Valkey does not answer, "]


class TestProxies:
    @pytest.fixture(autouse=True)
    def proxies(self, settings: Any) -> None:
        settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/24"), ip_network("2001:db8::/64")]

    @pytest.mark.parametrize(
        ("nearest", "header", "client"),
        [
            ("192.0.2.7", "", "192.0.2.7"),
            ("192.0.2.7", "198.51.100.1", "192.0.2.7"),  # nobody's proxy: what it says is its own
            ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "203.0.113.5, 198.51.100.1", "198.51.100.1"),  # the first is a claim
            ("10.0.0.1", "203.0.113.5, 198.51.100.1, 10.0.0.2", "198.51.100.1"),  # two proxies
            ("10.0.0.1", "203.0.113.5,10.0.0.9, 198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "nonsense", "10.0.0.1"),
            ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
            ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
            ("2001:db8::1", "[2001:db8:1::2]:4711", "2001:db8:1::2"),
            ("::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
            ("", "198.51.100.1", "198.51.100.1"),  # the socket of a proxy here
        ],
    )
    def test_the_client_is_whom_the_last_trusted_one_has_seen(
        self, nearest: str, header: str, client: str
    ) -> None:
        headers: Any = {"HTTP_X_FORWARDED_FOR": header} if header else {}
        request = RequestFactory().get("/", REMOTE_ADDR=nearest, **headers)
        assert str(client_address(request)) == client

    def test_without_a_named_proxy_the_header_is_nobodys_word(self, settings: Any) -> None:
        settings.TRUSTED_PROXIES = []
        request = RequestFactory().get("/", REMOTE_ADDR=HERE, HTTP_X_FORWARDED_FOR="10.0.0.5")
        assert str(client_address(request)) == origin(request) == HERE

    def test_nobody_escapes_by_claiming_other_addresses(self, hashes: list[str]) -> None:
        form = {"username": "ada", "password": "wrong"}
        for number in range(40):
            claim: Any = {"HTTP_X_FORWARDED_FOR": f"203.0.113.{number}"}
            Client().post("/login/", form, REMOTE_ADDR=HERE, **claim)
            through: Any = {"HTTP_X_FORWARDED_FOR": f"203.0.113.{number}, 198.51.100.1"}
            Client().post("/login/", form, REMOTE_ADDR="10.0.0.1", **through)
        assert len(hashes) == 2 * throttle.OF_NAME.number

    def test_what_a_proxy_sends_is_not_of_this_machine(self, settings: Any) -> None:
        settings.TRUSTED_PROXIES = [ip_network("127.0.0.0/8")]
        assert not is_local(RequestFactory().get("/metrics"))
        settings.TRUSTED_PROXIES = []
        assert is_local(RequestFactory().get("/metrics"))
        assert not is_local(RequestFactory().get("/metrics", HTTP_X_FORWARDED_FOR=HERE))


class TestOwnPassword:
    """Whoever logs in with a password may change it, also without the staff mark or a role."""

    @pytest.fixture
    def bea(self) -> Client:
        bea = User.objects.create_user("bea", password=PASSWORD)
        client = Client()
        client.force_login(bea)
        return client

    def change(self, client: Client, old: str, new: str = "another long word") -> Any:
        form = {"old_password": old, "new_password1": new, "new_password2": new}
        return client.post("/password/", form, follow=True, REMOTE_ADDR=HERE)

    def test_is_changed_by_whoever_knows_it(self, bea: Client) -> None:
        elsewhere = Client()
        elsewhere.force_login(User.objects.get(username="bea"))
        assert bea.get("/password/").status_code == 200
        assert "Your password was changed" in self.change(bea, PASSWORD).content.decode()
        assert log_in("another long word", "bea").status_code == 302
        assert elsewhere.get("/password/").status_code == 302 and bea.get("/password/")

    def test_is_not_guessed_by_who_found_the_page_open(
        self, bea: Client, hashes: list[str]
    ) -> None:
        hashes.clear()
        answers = [self.change(bea, f"word {number}") for number in range(40)]
        assert "This is not your password." in words(answers[0])
        assert answers[-1].status_code == 429 and int(answers[-1]["Retry-After"])
        assert len(hashes) == 5
        assert {row.after["outcome"] for row in trail(label="bea") if row.after} == {
            "refused login"
        }
        assert self.change(bea, PASSWORD).status_code == 429

    def test_of_an_account_of_a_token_there_is_none(self) -> None:
        robot = User.objects.create_user("robot")
        client = Client()
        client.force_login(robot)
        assert client.get("/password/").status_code == 404
