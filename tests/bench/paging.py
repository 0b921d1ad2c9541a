"""How long each page of the dashboard takes, with the default and the large demo.

The stack is what `make run` starts, and goes on working meanwhile. Each page that links lead to is
opened over HTTP by one browser, one after the other, and once in this process to count its queries:
of each view one or two, whatever can be chosen there.
"""

import gzip
import http.client
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import stack
from tests.screenshots.walking import Walk, links, view_of

DEMOS = ("default", "large")
ENVIRONMENT: dict[str, str] = {}
OPENED = 20  # times each, after those that fill what is filled once
WARM = 3
Row = dict[str, float | str]


def open_pages() -> Iterator[Row]:
    """Yield a row per page: milliseconds until all of it was here, queries, and KiB as sent."""
    for demo in DEMOS:
        with _stack(demo) as running:
            yield from ({"demo": demo, **row} for row in _measured_beside(running))


@contextmanager
def _stack(demo: str) -> Iterator[stack.Stack]:
    folder = Path(tempfile.mkdtemp(prefix="sn-pages-"))
    try:
        with stack.running(folder, DEMO=demo, **ENVIRONMENT) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measured_beside(running: stack.Stack) -> Iterator[Row]:
    """By a process with the stack's own settings, which reads its database.

    Raises CalledProcessError where it ends badly.
    """
    command = [sys.executable, "-m", "tests.bench.paging", str(running.port), str(OPENED)]
    environment = stack.environment(running.var, running.port)
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
    with subprocess.Popen(
        command, cwd=stack.ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as measuring:
        yield from map(json.loads, measuring.stdout or ())
    if measuring.returncode:
        raise subprocess.CalledProcessError(measuring.returncode, command)


def main(port: int, times: int) -> None:
    """Print the figures of each page, a line of JSON each."""
    django.setup()
    visitor = Client(headers={"host": "localhost"})
    visitor.force_login(get_user_model().objects.get(username="admin"))
    browser = Browser(port, visitor.cookies[settings.SESSION_COOKIE_NAME].value)
    walk = Walk(view_of)
    for address in walk:
        walk.note(links(browser.opened(address), address))
        row = {"page": address, **_measured(browser, visitor, address, times)}
        print(json.dumps(row), flush=True)


def _measured(browser: "Browser", visitor: Client, address: str, times: int) -> dict[str, float]:
    for _ in range(WARM):
        browser.opened(address)
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        browser.opened(address)
        seconds.append(time.perf_counter() - began)
    visitor.get(address)
    with CaptureQueriesContext(connection) as counted:
        visitor.get(address)
    return {
        "median_ms": _ms(median(seconds)),
        "percentile_95_ms": _ms(quantiles(seconds, n=20)[-1]),
        "queries": len(counted),
        "kib": round(browser.sent / 1024, 1),
    }


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 1)


class Browser:
    """One connection that stays, logged in."""

    def __init__(self, port: int, session: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {
            "Host": "localhost",
            "Accept-Encoding": "gzip",
            "Cookie": f"{settings.SESSION_COOKIE_NAME}={session}",
        }
        self.sent = 0  # bytes of the last page

    def opened(self, address: str) -> str:
        """The page. Raises RuntimeError if it is refused."""
        self._connection.request("GET", address, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        self.sent = len(body)
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"GET {address}: {answer.status}")
        packed = answer.getheader("Content-Encoding") == "gzip"
        return (gzip.decompress(body) if packed else body).decode()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
