"""What load balancers, scripts and monitoring ask."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
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
        "failing": {"worker": "no worker answers"},
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


def test_a_disk_that_is_full_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def nearly_full(path: object) -> Any:
        return SimpleNamespace(free=5 << 20)

    monkeypatch.setattr(app.control, "ping", lambda **options: [{"worker": "pong"}])
    monkeypatch.setattr("config.running.health.shutil.disk_usage", nearly_full)
    failing = client.get("/readyz").json()["failing"]
    assert failing == {"disk": f"only 5 MiB are left on the disk of {settings.VAR}"}
