"""A worker that has much to do is not taken for dead.

It writes down that it lives also while it renders and checks what it has claimed.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from firewalls import tasks
from firewalls.configuration import checks
from firewalls.models import Firewall, Push
from firewalls.pushing.claiming import LOST_AFTER
from firewalls.pushing.engine import engine
from tests.firewalls.boxes import Boxes

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 120  # seconds


@pytest.fixture
def firewalls(make: Callable[..., Firewall]) -> list[Firewall]:
    return [make(f"busy-{number}") for number in range(2)]


def lives_on() -> bool:
    """Whether the heart of all that runs beats again, after it has been silent for an hour."""
    running = Push.objects.filter(state="running")
    running.update(heartbeat_at=Now() - timedelta(hours=1))
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if not running.filter(heartbeat_at__lt=Now() - LOST_AFTER).exists():
            return True
        time.sleep(0.1)
    return False


def test_what_is_prepared_and_what_is_under_way_meanwhile_live(
    firewalls: list[Firewall], box: Boxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.slow(firewalls[0].name, 1)  # it is under way when the other one is prepared
    lived: list[tuple[int, bool]] = []

    def refused(many: Sequence[Mapping[str, str]]) -> list[list[str]]:
        if many:
            lived.append((Push.objects.filter(state="running").count(), lives_on()))
        if len(lived) == 1 and many:
            Push.objects.enqueue(firewalls[1])
            engine.wake()
        return [[] for _ in many]

    monkeypatch.setattr(checks, "complaints_of_each", refused)
    Push.objects.enqueue(firewalls[0])
    tasks.work()
    assert lived == [(1, True), (2, True)] and set(
        Push.objects.values_list("state", "attempts")
    ) == {("confirmed", 1)}
