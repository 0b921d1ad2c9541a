"""What it costs to watch a rollout: its page asked for again and again over HTTP, as a browser does, while the pushes go on.

Beside each poll a request that does nothing is sent the same way, so that what the machine and the server cost is seen apart.
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
from tests.bench.serving import HOST, Server, at, server

COUNTS = (500, 2000)
SIZE = Size(
    projects=100, private=1900, shared=60, firewalls=COUNTS[-1], machines=8000, addresses=12
)
POLLS, PAUSE = 200, 0.03  # seconds between two polls
TOGETHER, TICK = 5, 0.1  # so many pushes begin and end every so many seconds: 50 in a second
PART = {"HX-Request": "true", "HX-Target": "rollout-status", "Host": "localhost"}
_STEPS = """
[{"name": "render", "state": "ok", "seconds": 0.01, "output": "revision 2"},
 {"name": "connect", "state": "ok", "seconds": 0.2, "output": "shared-networks@127.0.0.1, host key as pinned"},
 {"name": "write", "state": "running", "seconds": 0, "output": ""}]
"""
_END = """
UPDATE firewalls_push SET state = CASE WHEN random() < 0.98 THEN 'confirmed' ELSE 'failed' END, finished_at = now(), error = ''
WHERE rollout_id = %s AND state = 'running'
"""
_BEGIN = """
UPDATE firewalls_push SET state = 'running', started_at = now(), heartbeat_at = now(), attempts = 1, steps = %s
WHERE id IN (SELECT id FROM firewalls_push WHERE rollout_id = %s AND finished_at IS NULL AND state = 'queued' LIMIT %s) RETURNING id
"""
_OVER = "UPDATE firewalls_push SET state = 'confirmed', finished_at = now() WHERE rollout_id = %s AND finished_at IS NULL"
_AGAIN = "UPDATE firewalls_push SET state = 'queued', finished_at = NULL WHERE rollout_id = %s"


def poll_rollouts() -> Iterator[dict[str, float]]:
    """One row per number of pushes: milliseconds per poll, of the web server's processor time too, and of an answer with nothing in it."""
    with server() as running, at():
        firewalls = _built()
        for count in COUNTS:
            rollout = rollouts.start(firewalls[:count], cause=f"bench {count}", sizes=["rest"]).pk
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")
            with _going(running, rollout):
                yield {"pushes": count, **_measured(running, f"/rollouts/{rollout}/", _login())}
            rollouts.stop(Rollout.objects.get(pk=rollout), "bench")


def _built() -> list[Firewall]:
    """Firewalls of a made-up world that were all pushed to before."""
    now = timezone.now()
    with transaction.atomic():
        fleet = building.written(Random(building.SEED), now, SIZE)
        configure(fleet.firewalls, now)
    return fleet.firewalls


def _login() -> str:
    """The session of an operator. The server knows it because it has the same key (`server`)."""
    user, _ = User.objects.get_or_create(username="bench", defaults={"is_superuser": True})
    visitor = Visitor()
    visitor.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={visitor.cookies[settings.SESSION_COOKIE_NAME].value}"


def _measured(running: Server, place: str, session: str) -> dict[str, float]:
    browser = http.client.HTTPConnection(HOST, running.port, timeout=60)
    polls: list[float] = []
    empty: list[float] = []
    size, before = 0, running.seconds()
    for _ in range(POLLS):
        seconds, size = _asked(browser, place, {**PART, "Cookie": session})
        polls.append(seconds)
        empty.append(_asked(browser, "/healthz", {"Host": "localhost"})[0])
        time.sleep(PAUSE)
    return {
        "polls": POLLS,
        "median_ms": _ms(median(polls)),
        "percentile_95_ms": _ms(quantiles(polls, n=20)[-1]),
        "slowest_ms": _ms(max(polls)),
        "web_ms": _ms((running.seconds() - before) / POLLS),
        "empty_answer_ms": _ms(median(empty)),
        "kib": round(size / 1024, 1),
    }


def _asked(
    browser: http.client.HTTPConnection, place: str, headers: dict[str, str]
) -> tuple[float, int]:
    """Seconds until all of the answer was here, and its bytes. Raises RuntimeError if it is no answer."""
    began = time.perf_counter()
    browser.request("GET", place, headers=headers)
    answer = browser.getresponse()
    text = answer.read()
    if answer.status != http.HTTPStatus.OK or (
        place != "/healthz" and b'hx-trigger="every' not in text
    ):
        raise RuntimeError(f"GET {place}: {answer.status} {text[:200].decode()}")
    return time.perf_counter() - began, len(text)


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 1)


@contextmanager
def _going(running: Server, rollout: UUID) -> Iterator[None]:
    """The rollout's pushes begin and end meanwhile, and begin again when none is left."""
    ending = threading.Event()

    def go_on() -> None:
        with running.psycopg() as database:
            while not ending.wait(TICK):
                _go_on(database, rollout)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
        with running.psycopg() as database:
            database.execute(_OVER, [rollout])


def _go_on(database: Any, rollout: UUID) -> None:
    database.execute(_END, [rollout])
    if not database.execute(_BEGIN, [_STEPS, rollout, TOGETHER]).fetchall():
        database.execute(_AGAIN, [rollout])
