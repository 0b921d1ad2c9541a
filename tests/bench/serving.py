"""The real web server, as `make run` starts it, on a database that is dropped afterwards."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from psycopg.conninfo import make_conninfo

from config.running import web
from tests.stack import free_port

DATABASE = "shared_networks_bench"
BROKER = 9  # the number of a Valkey database that nobody else uses
HOST = "127.0.0.1"
START_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """A running web server, how to reach its database, and a token that may do everything."""

    port: int
    database: str
    token: str
    process: psutil.Process

    def client(self) -> "Client":
        return Client(http.client.HTTPConnection(HOST, self.port), self.token)

    def psycopg(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self.database, autocommit=True)

    def processor_seconds(self) -> float:
        """What its processes have taken so far; it hardly depends on what else the machine does."""
        return _processor_seconds(self.process)

    def database_seconds(self) -> float:
        """The same of PostgreSQL with all that it runs; nothing where that is another machine's."""
        with self.psycopg() as database:
            if not psutil.pid_exists(database.info.backend_pid):
                return 0.0
            postmaster = psutil.Process(database.info.backend_pid).parent()
        if postmaster is None or not postmaster.name().startswith("postgres"):
            return 0.0
        ended = postmaster.cpu_times()
        return _processor_seconds(postmaster) + ended.children_user + ended.children_system


@dataclass(frozen=True)
class Client:
    """One program that talks to the API over one connection."""

    connection: http.client.HTTPConnection
    token: str

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """The answer. Raises RuntimeError unless something was made."""
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Host": "localhost",
        }
        self.connection.request("POST", f"/api/v1/{path}", json.dumps(body), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != http.HTTPStatus.CREATED:
            raise RuntimeError(f"POST {path}: {answer.status} {text.decode()}")
        return json.loads(text)


@contextmanager
def server(*, pages: bool = False, **more: str) -> Iterator[Server]:
    """Run it, with everything migrated, until the block ends.

    `pages`: whole ones are asked for, which name static files. `more` is for its environment.
    """
    with database() as url:
        port = free_port()
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            "REDIS_URL": f"{settings.CELERY_BROKER_URL}?virtual_host={BROKER}",
            # This process's key: a session that is made here is valid there.
            "SECRET_KEY": settings.SECRET_KEY,
            **more,
        }
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        _manage(environment, "migrate", "-v0")
        if pages:
            _manage(environment, "collectstatic", "--noinput", "-v0")
        token = _manage(environment, "create_token", "bench", "--role", "admin")
        process = subprocess.Popen(web.command(port), env=environment, stdin=subprocess.DEVNULL)
        try:
            _wait(port, process)
            yield Server(port, url, token, psutil.Process(process.pid))
        finally:
            process.terminate()
            process.wait()


@contextmanager
def database() -> Iterator[str]:
    """The URL of an empty database beside Django's own, which is dropped when the block ends."""
    # Django's own reading of its settings: the socket's folder of an embedded server is in OPTIONS.
    parameters = connection.get_connection_params()
    login = {
        name: str(parameters[name])
        for name in ("host", "port", "user", "password")
        if parameters.get(name)
    }
    existing = make_conninfo(**login, dbname=parameters["dbname"])
    with psycopg.connect(existing, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {DATABASE}")
        try:
            yield _url(login)
        finally:
            admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


def _url(login: Mapping[str, str]) -> str:
    """With host and port behind the question mark, where the host may be a socket's folder."""
    user = login.get("user", "")
    if "password" in login:
        user += f":{login['password']}"
    where = "&".join(f"{name}={login[name]}" for name in ("host", "port") if name in login)
    return f"postgresql://{user}@/{DATABASE}?{where}"


@contextmanager
def connected() -> Iterator[None]:
    """Lead Django's own connection to the benchmarks' database meanwhile, and migrate it."""
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = DATABASE
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def _processor_seconds(process: psutil.Process) -> float:
    """Of the process and those that it has started."""
    seconds = 0.0
    for one in (process, *process.children()):
        with suppress(psutil.NoSuchProcess):
            seconds += one.cpu_times().user + one.cpu_times().system
    return seconds


def _manage(environment: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with socket.create_connection((HOST, port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("The web server did not start.")
