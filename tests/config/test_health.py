"""What load balancers, scripts and monitoring ask."""

import io
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from config.access.models import Token
from config.celery import app
from tests.world import world

pytestmark = pytest.mark.django_db


def test_the_process_is_up_without_a_login(client: Client) -> None:
    assert client.get("/healthz").content == b"ok\n"


def test_it_is_not_ready_without_a_worker_and_says_so(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.control, "ping", lambda **options: [])
    answer = client.get("/readyz")
    assert answer.status_code == 503 and answer.json() == {
        "ready": False,
        "failing": {"worker": "No worker answers."},
    }


def test_not_being_ready_is_not_logged_as_an_error_of_the_server(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app.control, "ping", lambda **options: [])
    assert client.get("/readyz").status_code == 503
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 403
    assert [record.getMessage() for record in caplog.records] == [
        "Forbidden (Permission denied): /metrics"
    ]


def test_what_is_refused_is_a_line_of_the_log_and_what_fails_tells_the_way_there(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    (console,) = (one for one in logging.root.handlers if one.name == "console")
    lines = io.StringIO()
    monkeypatch.setattr(console, "stream", lines)
    client.raise_request_exception = False
    client.get("/metrics", REMOTE_ADDR="192.0.2.7")
    client.get("/login/", headers={"Host": "elsewhere.example"})
    refused = lines.getvalue().splitlines()
    assert len(refused) == 2 and "elsewhere.example" in refused[1], refused
    monkeypatch.setattr("config.running.metrics.is_local", lambda request: 1 / 0)
    client.get("/metrics")
    assert "ZeroDivisionError" in lines.getvalue()


def test_metrics_count_what_there_is(client: Client, published: list[str]) -> None:
    fra = world()
    fra.firewall("fw", fra.shop, fra.private("shop", fra.shop, shared=True))
    lines = client.get("/metrics").content.decode().splitlines()
    for line in (
        'shared_networks_firewalls{state="new"} 1.0',
        'shared_networks_firewalls{state="failed"} 0.0',
        'shared_networks_networks{kind="private"} 1.0',
        "shared_networks_shared 1.0",
    ):
        assert line in lines


@pytest.mark.parametrize(
    "where", [{"REMOTE_ADDR": "192.0.2.7"}, {"HTTP_X_FORWARDED_FOR": "192.0.2.7"}]
)
def test_metrics_are_not_for_strangers(client: Client, where: dict[str, Any]) -> None:
    assert client.get("/metrics", **where).status_code == 403
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer sn_wrong", **where).status_code == 403
    _, token = Token.objects.issue("monitor", "viewer")
    assert client.get("/metrics", HTTP_AUTHORIZATION=f"Bearer {token}", **where).status_code == 200


@pytest.fixture
def troubled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, and neither broker nor worker."""

    def away(*args: object, **options: object) -> Any:
        raise ConnectionError("Error 111 connecting to valkey.internal:6379, user ops")

    monkeypatch.setattr(app.control, "ping", away)
    monkeypatch.setattr(app, "connection_for_read", away)
    full = SimpleNamespace(free=5 << 20)
    monkeypatch.setattr("config.running.health.shutil.disk_usage", lambda path: full)


@pytest.mark.usefixtures("troubled")
class TestWhyItIsNotReady:
    def test_strangers_are_told_what_and_no_names(self, client: Client) -> None:
        for headers in ({}, {"Authorization": "Bearer sn_wrong"}):
            answer = client.get("/readyz", headers=headers)
            assert answer.status_code == 503 and answer.json()["failing"] == {
                "disk": "There is too little room on the disk.",
                "broker": "The broker does not answer.",
                "worker": "No worker answers.",
            }

    def test_nor_are_people_and_programs_without_a_role(self, client: Client) -> None:
        client.force_login(User.objects.create_user("ada"))
        assert "internal" not in client.get("/readyz").content.decode()
        token, text = Token.objects.issue("robot", "viewer")
        token.user.groups.clear()
        headers = {"Authorization": f"Bearer {text}"}
        assert "internal" not in Client().get("/readyz", headers=headers).content.decode()

    def test_staff_and_tokens_are_told_why(self, client: Client) -> None:
        client.force_login(User.objects.create_user("ada", is_staff=True))
        _, text = Token.objects.issue("monitor", "viewer")
        by_token = Client().get("/readyz", headers={"Authorization": f"Bearer {text}"})
        for answer in (client.get("/readyz"), by_token):
            failing = answer.json()["failing"]
            assert failing["disk"] == f"only 5 MiB are left on the disk of {settings.VAR}"
            assert "valkey.internal" in failing["broker"]


def test_metrics_are_not_for_a_token_without_a_role(client: Client) -> None:
    token, text = Token.objects.issue("monitor", "viewer")
    token.user.groups.clear()
    headers = {"Authorization": f"Bearer {text}"}
    assert client.get("/metrics", headers=headers, REMOTE_ADDR="192.0.2.7").status_code == 403
