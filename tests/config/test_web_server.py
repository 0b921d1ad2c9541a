"""One client cannot stop the web server, in `make run` as in the set-up that the README names."""

import http.client
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import psutil
import pytest
from django.conf import settings
from waitress.channel import HTTPChannel

from config.running import web
from config.running.buffering import CROWDED, HEADERS_SECONDS, REQUEST_SECONDS, Patience
from tests.stack import ROOT, free_port

HOST, MANY, SOME = "127.0.0.1", 50, 16
PATIENCE = 10  # seconds; an answer takes a hundredth of one
HEADERS = b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
STALLED = {
    "has connected": b"",
    "has sent half its headers": HEADERS,
    "never sends its body": HEADERS + b"Content-Length: 100000\r\n\r\nhalf",
    "never ends its chunks": HEADERS + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello",
    "never reads a large answer": b"GET /api/v1/schema/ HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20,
    "never reads": b"GET /login/ HTTP/1.1\r\nHost: localhost\r\n\r\n" * 300,
}


def of_make_run(port: int) -> list[str]:
    return web.command(port)


def of_the_readme(port: int) -> list[str]:
    """The line that begins with gunicorn, without its comment."""
    (line,) = re.findall(r"^    (gunicorn .*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    _, *arguments = shlex.split(line, comments=True)
    return [sys.executable, "-m", "gunicorn", *arguments, "--bind", f"{HOST}:{port}"]


@pytest.fixture(scope="module", params=[of_make_run, of_the_readme])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """Its port."""
    folder = tmp_path_factory.mktemp("web")
    with _running(request.param, folder) as (port, _):
        yield port


@contextmanager
def _running(
    command: Callable[[int], list[str]], folder: Path
) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    port = free_port()
    environment = {**os.environ, "VAR": str(folder), "SECRET_KEY": settings.SECRET_KEY}
    environment |= {
        "DATABASE_URL": settings.EMBEDDED.database_url,
        "REDIS_URL": settings.EMBEDDED.redis_url,
    }
    collected = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
    subprocess.run(collected, cwd=ROOT, env=environment, check=True)
    process = subprocess.Popen(command(port), cwd=ROOT, env=environment)
    try:
        deadline = time.monotonic() + 60
        while not _listens(port):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        yield port, process
    finally:
        process.terminate()
        process.wait(60)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def get(port: int, path: str, patience: float = PATIENCE) -> int:
    return ask(port, "GET", path, patience=patience)


def ask(
    port: int,
    method: str,
    path: str,
    body: bytes | Iterator[bytes] = b"",
    patience: float = PATIENCE,
) -> int:
    connection = http.client.HTTPConnection(HOST, port, timeout=patience)
    headers = {"Host": "localhost", "Content-Type": "text/plain"}
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


@pytest.mark.parametrize("how", STALLED)
def test_it_answers_while_many_connections_of_one_client_stall(server: int, how: str) -> None:
    with stalled(server, MANY, how):
        time.sleep(1)
        for _ in range(10):
            assert get(server, "/healthz") == 200
            assert get(server, "/login/") == 200


@contextmanager
def stalled(port: int, number: int, *hows: str) -> Iterator[None]:
    """So many connections that stall in each of these ways."""
    with ExitStack() as stack:
        for how in hows * number:
            client = stack.enter_context(socket.create_connection((HOST, port)))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(PATIENCE)
            client.sendall(STALLED[how])
        yield


def test_it_says_within_a_second_that_it_lives_while_all_kinds_of_connections_stall(
    server: int,
) -> None:
    with stalled(server, SOME, *STALLED):
        longest, until = 0.0, time.monotonic() + 5
        while time.monotonic() < until:
            began = time.monotonic()
            assert get(server, "/healthz") == 200
            longest = max(longest, time.monotonic() - began)
    assert longest < 1


def of_the_readme_without_buffering(port: int) -> list[str]:
    """The same with gunicorn's own threads, which read what clients send."""
    buffering = web.command(port)[web.command(port).index("--worker-class") + 1]
    command = of_the_readme(port)
    assert command.count(buffering) == 1
    return ["gthread" if word == buffering else word for word in command]


def test_without_buffering_as_many_would_stop_it(tmp_path: Path) -> None:
    """So what the tests above show is what the worker does, and no other part."""
    with (
        _running(of_the_readme_without_buffering, tmp_path) as (port, _),
        stalled(port, SOME, "never sends its body"),
        pytest.raises(TimeoutError),
    ):
        for _ in range(PATIENCE):  # it may take a moment until each thread waits for a body
            get(port, "/healthz", patience=2)
            time.sleep(1)


def test_big_bodies_arrive_whole_and_too_big_ones_are_refused(server: int) -> None:
    """Django refuses the first for it bears no token: it has been read, then."""
    mib = b"x" * 1024 * 1024
    assert ask(server, "POST", "/login/", 12 * mib) == 403
    assert ask(server, "POST", "/login/", iter([mib] * 12)) == 403  # in chunks
    with socket.create_connection((HOST, server), timeout=PATIENCE) as client:
        client.sendall(HEADERS + b"Content-Length: 99999999\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 413 ")


REFUSED = {
    "a body": (413, b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n%s\r\n"),
    "a length": (400, b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n%s\r\n"),
    "chunks": (501, b"POST %s HTTP/1.1\r\nHost: x\r\n%sTransfer-Encoding: gzip\r\n\r\n"),
    "no request": (400, b"\xff%s\r\n%s\r\n"),
    "long headers": (431, b"GET %s HTTP/1.1\r\nHost: localhost\r\n%sX: \r\n\r\n"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_it_refuses_by_itself_is_said_in_json_or_on_a_page(server: int, what: str) -> None:
    status, request = REFUSED[what]
    html = b"Accept: text/html,*/*\r\n"
    for path, accept in ((b"/api/v1/networks/", b""), (b"/api/v1/x/", html), (b"/login/", html)):
        with socket.create_connection((HOST, server), timeout=PATIENCE) as client:
            sent = request % (path, accept)
            if what == "long headers":  # as long as that is refused, and all of it read
                sent = sent.replace(b"X: ", b"X: ".ljust(64 * 1024 - len(sent) + 3, b"x"))
            client.sendall(sent)
            head, _, body = b"".join(iter(lambda: client.recv(65536), b"")).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status) or head.startswith(
            b"HTTP/1.0 %d " % status
        )
        if path == b"/login/" and what in ("a body", "a length", "chunks"):
            assert b"text/html" in head and b"Shared Networks</title>" in body
        else:
            assert b"application/json" in head and json.loads(body)["non_field_errors"], body


def test_what_a_proxy_says_of_https_reaches_django(tmp_path: Path) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        socket.socket() as client,
    ):
        patch.setenv("HTTPS", "1")
        with _running(of_the_readme, tmp_path) as (port, _):
            client.connect((HOST, port))
            client.sendall(
                b"GET /login/ HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\n\r\n"
                b"GET /login/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )
            text = b"".join(iter(lambda: client.recv(65536), b""))
    assert re.findall(rb"HTTP/1.1 (\d+)", text) == [b"200", b"301"]
    assert b"Server:" not in text


def test_a_request_that_is_being_answered_when_it_is_stopped_is_answered(tmp_path: Path) -> None:
    """Not being ready takes a second to find out: no worker answers here."""
    with (
        _running(of_make_run, tmp_path) as (port, process),
        socket.create_connection((HOST, port), timeout=PATIENCE) as client,
        socket.create_connection((HOST, port)) as idle,
    ):
        client.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        time.sleep(0.4)
        process.send_signal(signal.SIGTERM)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 503 ") and b"No worker answers." in answer
        assert process.wait(PATIENCE) == 0 and idle.recv(1) == b""


def test_a_process_that_dies_is_replaced(tmp_path: Path) -> None:
    with _running(of_make_run, tmp_path) as (port, process):
        one, *_ = before = children(process)
        os.kill(one, signal.SIGKILL)
        wait_until(lambda: one not in children(process) and len(children(process)) == len(before))
        assert get(port, "/healthz") == 200


def test_a_reload_loses_no_request(tmp_path: Path) -> None:
    with _running(of_make_run, tmp_path) as (port, process):
        assert get(port, "/login/") == 200
        before = children(process)
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: get(port, "/healthz") == 200 and not {*before} & {*children(process)})


def children(process: "subprocess.Popen[bytes]") -> list[int]:
    return [child.pid for child in psutil.Process(process.pid).children()]


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "waited in vain"


@dataclass
class Channel:
    """What is asked of one of waitress' connections."""

    request: SimpleNamespace | None = None
    requests: tuple[str, ...] = ()
    last_activity: float = 0.0
    will_close: bool = False

    def __hash__(self) -> int:
        return id(self)


def begun(headers_finished: bool) -> SimpleNamespace:
    return SimpleNamespace(headers_finished=headers_finished)


def closed(channels: list[Channel], patience: Patience, now: float) -> list[bool]:
    patience.end_what_stalls(cast("list[HTTPChannel]", channels), now)
    return [channel.will_close for channel in channels]


def test_a_request_that_comes_byte_by_byte_is_ended_and_one_that_is_answered_is_not() -> None:
    patience = Patience()
    answered = Channel(begun(False), requests=("being answered",))
    channels = [Channel(begun(False)), Channel(begun(True)), answered, Channel()]
    assert closed(channels, patience, 100) == [False] * 4
    assert closed(channels, patience, 100 + HEADERS_SECONDS) == [False] * 4
    assert closed(channels, patience, 102 + HEADERS_SECONDS) == [True, False, False, False]
    assert closed(channels, patience, 101 + REQUEST_SECONDS) == [True, True, False, False]


def test_each_request_of_a_connection_has_its_own_time() -> None:
    patience = Patience()
    channel = Channel(first := begun(False))
    assert closed([channel], patience, 100) == [False]
    channel.request = second = begun(False)
    assert closed([channel], patience, 102 + HEADERS_SECONDS) == [False]
    channel.request = None
    assert closed([channel], patience, 104 + HEADERS_SECONDS) == [False]
    channel.request = second
    assert closed([channel], patience, 106 + 2 * HEADERS_SECONDS) == [False] and first is not None


def test_in_a_crowd_the_most_silent_go_first_and_none_that_is_answered() -> None:
    channels = [Channel(last_activity=float(number)) for number in range(CROWDED + 3)]
    channels[0].requests = ("being answered",)
    assert closed(channels, Patience(), 100)[:6] == [False, True, True, True, False, False]
