"""`manage.py up`, as `make run` starts it: ready, stopped cleanly, and mended after a kill."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import psycopg
import pytest
from django.conf import settings

from config.running.embedded import Embedded, mend, servers
from tests.stack import ROOT, environment, free_port, running, start

# A word of each program's command, and how much nicer than the supervisor it is.
PROGRAMS = {"gunicorn": 0, "beat": 0, "--pool": 5, "firewalls.device.practice": 10}
NICEST = 19


@pytest.fixture
def var() -> Iterator[Path]:
    """A folder with a short path."""
    folder = Path(tempfile.mkdtemp(prefix="sn-up-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def wait_until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def test_starts_mends_what_dies_stops_on_ctrl_c_and_finds_everything_again(var: Path) -> None:
    with running(var, DEMO="none") as stack:
        token = stack.manage("create_token", "robot", "--role", "viewer")
        assert len(token) > 20 and "\n" not in token
        pages_go_before_pushes(stack.process.pid)
        worker = stack.pids("celery", "--pool")[0]
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: stack.pids("celery", "--pool") not in ([], [worker]))
        wait_until(lambda: any("worker ended (signal SIGKILL)" in line for line in stack.output))
        for server in (stack.valkey, stack.postgres):
            (pid,) = server()
            os.kill(pid, signal.SIGKILL)
            wait_until(partial(replaced, server, pid))
        wait_until(stack.ready)
        assert (
            refusal(var, free_port())
            == f"It is running already on {var}; stop that one, or choose another VAR."
        )
        assert stack.stop() == 0
        assert stack.pids() == []
    with running(var, DEMO="none") as again:
        assert (
            again.manage(
                "shell",
                "-v",
                "0",
                "-c",
                "from config.models import Token; print(Token.objects.get().name)",
            )
            == "robot"
        )


def pages_go_before_pushes(supervisor: int) -> None:
    """This test may be run nicely itself, up to where nothing can be nicer."""
    own, programs = (
        os.getpriority(os.PRIO_PROCESS, supervisor),
        psutil.Process(supervisor).children(),
    )
    for word, nicer in PROGRAMS.items():
        (program,) = (one for one in programs if word in one.cmdline())
        family = [program.pid, *(child.pid for child in program.children(recursive=True))]
        assert {os.getpriority(os.PRIO_PROCESS, pid) for pid in family} == {
            min(NICEST, own + nicer)
        }, word
        assert {os.getpgid(pid) for pid in family} == {program.pid}
        assert {os.getsid(pid) for pid in family} == {os.getsid(supervisor)}


def test_a_killed_supervisor_leaves_nothing_in_the_way_of_the_next_start(var: Path) -> None:
    stack = start(var, free_port(), DEMO="none")
    stack.wait()
    stack.stop(signal.SIGKILL)
    wait_until(lambda: stack.pids("gunicorn") == [])
    with running(var, DEMO="none") as again:
        assert again.ready()
    assert again.pids() == []


def test_a_port_in_use_is_reported_in_one_sentence(var: Path) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        assert (
            refusal(var, port)
            == f"Port {port} is in use; choose another one: make run PORT={port + 1}"
        )


def test_what_was_committed_outlives_a_killed_server(var: Path) -> None:
    embedded = Embedded(var, valkey=False, durable=False)
    with servers(embedded):
        with psycopg.connect(embedded.database_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (number int)")
            connection.execute("CHECKPOINT")
            connection.execute("INSERT INTO kept VALUES (1)")
            os.kill(
                int((var / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL
            )
        wait_until(lambda: mended(embedded))
        with psycopg.connect(embedded.database_url) as connection:
            assert connection.execute("SELECT number FROM kept").fetchall() == [(1,)]


def mended(embedded: Embedded) -> bool:
    with suppress(subprocess.SubprocessError):  # what the killed one had started may still be going
        return mend(embedded) == ["PostgreSQL"]
    return False


def replaced(server: Callable[[], list[int]], old: int) -> bool:
    return server() not in ([], [old])


def refusal(var: Path, port: int) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env=environment(var, port, DEMO="none"),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    return done.stderr.strip().removeprefix("CommandError: ")


def test_a_bad_setting_stops_the_start_with_one_sentence(var: Path) -> None:
    for name, value, sentence in (
        ("PORT", "http", "PORT=http is not a number."),
        ("PORT", "99999", "PORT=99999 is no port; choose one of 1 to 65535."),
        ("PORT", "0", "PORT=0 is no port; choose one of 1 to 65535."),
        ("HTTPS", "maybe", "HTTPS=maybe is not a yes or no; set it to 1 or 0."),
        (
            "VAR",
            "/dev/null",
            "VAR=/dev/null is not a folder and cannot be made: File exists; choose another one.",
        ),
        (
            "VAR",
            "/proc/var",
            "VAR=/proc/var is not a folder and cannot be made: No such file or "
            "directory; choose another one.",
        ),
    ):
        done = subprocess.run(
            [sys.executable, "manage.py", "check"],
            cwd=ROOT,
            env=environment(var, 8000) | {name: value},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1 and done.stderr == f"{sentence}\n"


def test_real_servers_are_used_instead_where_they_are_named(var: Path) -> None:
    """Here those of this test run stand for them."""
    running_now = settings.EMBEDDED
    with psycopg.connect(running_now.database_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE elsewhere")
    named = {
        "DATABASE_URL": running_now.database_url.replace("/shared_networks", "/elsewhere"),
        "REDIS_URL": f"{running_now.redis_url}?virtual_host=7",
    }
    try:
        with running(var, DEMO="none", **named) as stack:
            assert not (var / "postgres").exists() and not (var / "valkey").exists()
            assert stack.postgres() == []
        with psycopg.connect(
            running_now.database_url.replace("/shared_networks", "/elsewhere")
        ) as connection:
            assert connection.execute("SELECT username FROM auth_user").fetchall() == [("admin",)]
    finally:
        with psycopg.connect(running_now.database_url, autocommit=True) as connection:
            connection.execute("DROP DATABASE elsewhere WITH (FORCE)")
