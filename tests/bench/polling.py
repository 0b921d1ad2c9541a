"""What it costs to watch a rollout: its page is polled over HTTP while the pushes go on.

A poll is what a browser sends. Beside each a request that does nothing is sent the same way, so
that what the machine and the server cost is seen apart.
"""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from statistics import median, quantiles
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client as Visitor
from django.utils import timezone

from config.demo.large import building
from config.demo.large.configurations import configure
from config.demo.large.sizes import Size
from firewalls.models import Firewall, Rollout
from firewalls.pushing import rollouts
from tests.bench.serving import HOST, Server, connected, server

COUNTS = (500, 2000)
SIZE = Size(
    projects=100, private=1900, shared=60, firewalls=COUNTS[-1], machines=8000, addresses=12
)
POLLS = 200
PAUSE = 0.03  # seconds between two polls
TOGETHER = 5  # so many pushes begin and end in every
TICK = 0.1  # seconds: 50 in a second
EMPTY_PAGE = "/healthz"
PART = {"HX-Request": "true", "HX-Target": "rollout-status", "Host": "localhost"}
_STEPS = """
[{"name": "render", "state": "ok", "seconds": 0.01, "output": "revision 2"},
 {"name": "connect", "state": "ok", "seconds": 0.2,
  "output": "shared-networks@127.0.0.1, host key as pinned"},
 {"name": "write", "state": "running", "seconds": 0, "output": ""}]
"""
_END = """
UPDATE firewalls_push
SET state = CASE WHEN random() < 0.98 THEN 'confirmed' ELSE 'refused' END,
    finished_at = now(), error = ''
WHERE rollout_id = %s AND state = 'running'
"""
_BEGIN = """
UPDATE firewalls_push
SET state = 'running', started_at = now(), heartbeat_at = now(), attempts = 1, steps = %s
WHERE id IN (
    SELECT id FROM firewalls_push
    WHERE rollout_id = %s AND finished_at IS NULL AND state = 'queued' LIMIT %s
) RETURNING id
"""
_CONFIRM_ALL = """
UPDATE firewalls_push SET state = 'confirmed', finished_at = now()
WHERE rollout_id = %s AND finished_at IS NULL
"""
_QUEUE_ALL = """
UPDATE firewalls_push SET state = 'queued', finished_at = NULL WHERE rollout_id = %s
"""


def poll_rollouts() -> Iterator[dict[str, float]]:
    """Yield a row per number of pushes: milliseconds per poll, elapsed and of the processor."""
    with server() as running, connected():
        firewalls = _build()
        for count in COUNTS:
            rollout = rollouts.start(firewalls[:count], cause=f"bench {count}", sizes=["rest"]).pk
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")
            with _pushing(running, rollout):
                yield {"pushes": count, **_measured(running, f"/rollouts/{rollout}/", _login())}
            rollouts.stop(Rollout.objects.get(pk=rollout), "bench")


def _build() -> list[Firewall]:
    """Firewalls of a made-up world that were all pushed to before."""
    now = timezone.now()
    with transaction.atomic():
        fleet = building.write_fleet(Random(building.SEED), now, SIZE)
        configure(fleet.firewalls, now)
    return fleet.firewalls


def _login() -> str:
    """The session of an operator. The server accepts it because it has the same key (`server`)."""
    user, _ = User.objects.get_or_create(username="bench", defaults={"is_superuser": True})
    visitor = Visitor()
    visitor.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={visitor.cookies[settings.SESSION_COOKIE_NAME].value}"


def _measured(running: Server, page: str, session: str) -> dict[str, float]:
    browser = http.client.HTTPConnection(HOST, running.port, timeout=60)
    polls: list[float] = []
    empty: list[float] = []
    size = 0
    processor = running.processor_seconds()
    for _ in range(POLLS):
        seconds, size = _fetch(browser, page, {**PART, "Cookie": session})
        polls.append(seconds)
        seconds, _ = _fetch(browser, EMPTY_PAGE, {"Host": "localhost"})
        empty.append(seconds)
        time.sleep(PAUSE)
    return {
        "polls": POLLS,
        "median_ms": _ms(median(polls)),
        "percentile_95_ms": _ms(quantiles(polls, n=20)[-1]),
        "slowest_ms": _ms(max(polls)),
        "web_ms": _ms((running.processor_seconds() - processor) / POLLS),
        "empty_answer_ms": _ms(median(empty)),
        "kib": round(size / 1024, 1),
    }


def _fetch(
    browser: http.client.HTTPConnection, page: str, headers: dict[str, str]
) -> tuple[float, int]:
    """Seconds until all of the answer was here, and its bytes.

    Raises RuntimeError if it is not the page, or if the page would not be polled again.
    """
    began = time.perf_counter()
    browser.request("GET", page, headers=headers)
    answer = browser.getresponse()
    text = answer.read()
    seconds = time.perf_counter() - began
    goes_on = page == EMPTY_PAGE or b'hx-trigger="every' in text
    if answer.status != http.HTTPStatus.OK or not goes_on:
        raise RuntimeError(f"GET {page}: {answer.status} {text[:200].decode()}")
    return seconds, len(text)


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 1)


@contextmanager
def _pushing(running: Server, rollout: UUID) -> Iterator[None]:
    """The rollout's pushes begin and end meanwhile, and begin again when none is left."""
    ending = threading.Event()

    def push() -> None:
        with running.psycopg() as database:
            while not ending.wait(TICK):
                _next_pushes(database, rollout)

    thread = threading.Thread(target=push)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
        with running.psycopg() as database:
            database.execute(_CONFIRM_ALL, [rollout])


def _next_pushes(database: Any, rollout: UUID) -> None:
    database.execute(_END, [rollout])
    if not database.execute(_BEGIN, [_STEPS, rollout, TOGETHER]).fetchall():
        database.execute(_QUEUE_ALL, [rollout])
