"""What programs notice while others try passwords: the time of a request, quiet and meanwhile.

The web server is asked as a proxy would ask it, so that each who knocks has an address of its own.
"""

import http.client
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from secrets import randbelow
from statistics import median, quantiles
from urllib.parse import urlencode

from tests.bench.serving import HOST, Server, server

KNOCKERS = (1, 16)  # clients who try passwords, each for a name of its own
PASSWORDS = 40  # of each, in a row
QUIET = 100  # requests that are timed before
PATH = "/api/v1/networks/?limit=1"
CSRF = "x" * 32
TOO_MANY = http.client.TOO_MANY_REQUESTS


def knock_and_ask() -> Iterator[dict[str, float]]:
    """Yield a row per number of clients: milliseconds per request, and what came of passwords."""
    with server(pages=True, TRUSTED_PROXIES="127.0.0.0/8") as running:
        for knockers in KNOCKERS:
            ask = _asking(running)
            for _ in range(QUIET // 4):
                ask()
            quiet = [ask() for _ in range(QUIET)]
            busy, answers = _meanwhile(running, ask, knockers)
            yield {
                "knockers": knockers,
                "passwords": knockers * PASSWORDS,
                "looked_at": answers[http.client.OK],
                "refused": answers[TOO_MANY],
                "on_record": _recorded(running),
                "requests": len(busy),
                "quiet_ms": _ms(median(quiet)),
                "meanwhile_ms": _ms(median(busy)),
                "ratio": round(median(busy) / median(quiet), 2),
                "meanwhile_95_ms": _ms(quantiles(busy, n=20)[-1]),
            }


def _asking(running: Server) -> Callable[[], float]:
    """A program that asks over one connection: seconds that each request takes."""
    program = http.client.HTTPConnection(HOST, running.port, timeout=60)
    headers = {"Authorization": f"Bearer {running.token}", "Host": "localhost"}

    def ask() -> float:
        began = time.perf_counter()
        program.request("GET", PATH, headers=headers)
        answer = program.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"GET {PATH}: {answer.status}")
        return time.perf_counter() - began

    return ask


def _meanwhile(
    running: Server, ask: Callable[[], float], knockers: int
) -> tuple[list[float], Counter[int]]:
    """How long requests take until all passwords are tried, and the statuses of these."""
    answers: Counter[int] = Counter()
    network = f"10.{randbelow(256)}.{randbelow(256)}"  # nobody's of a run before

    def knock(client: int) -> None:
        answers.update(_knocks(running, f"{network}.{client + 1}", f"bench-{client}"))

    seconds: list[float] = []
    with ThreadPoolExecutor(knockers) as pool:
        knocking = [pool.submit(knock, client) for client in range(knockers)]
        while not all(one.done() for one in knocking) or len(seconds) < 2:
            seconds.append(ask())
        for one in knocking:
            one.result()
    return seconds, answers


def _knocks(running: Server, address: str, name: str) -> Iterator[int]:
    """Try wrong passwords one after the other; yields the status of each answer."""
    browser = http.client.HTTPConnection(HOST, running.port, timeout=60)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": f"shared_networks_csrf={CSRF}",
        "Host": "localhost",
        "X-Forwarded-For": address,
    }
    for number in range(PASSWORDS):
        form = {"username": name, "password": f"wrong {number}", "csrfmiddlewaretoken": CSRF}
        browser.request("POST", "/login/", urlencode(form), headers)
        answer = browser.getresponse()
        answer.read()
        if answer.status not in (http.client.OK, TOO_MANY):
            raise RuntimeError(f"POST /login/: {answer.status}")
        yield answer.status


def _recorded(running: Server) -> int:
    """Rows of the audit trail about it, of all so far."""
    with running.psycopg() as database:
        query = "SELECT count(*) FROM networks_activity WHERE kind = 'login'"
        row = database.execute(query).fetchone()
    return int(row[0]) if row else 0


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 1)
