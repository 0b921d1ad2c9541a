"""The real web server, as `make run` starts it, on a database of its own that is gone afterwards."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from config.running import web

DATABASE, BROKER = "shared_networks_bench", 9
HOST, START_SECONDS = "127.0.0.1", 60


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

    def seconds(self) -> float:
        """The processor time that the web server's processes have taken so far: it hardly minds what else the machine does."""
        times = [process.cpu_times() for process in (self.process, *self.process.children())]
        return sum(one.user + one.system for one in times)


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
def server() -> Iterator[Server]:
    """Run it, with everything migrated, until the block ends."""
    with database() as url, socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
        probe.close()
        broker = f"{settings.CELERY_BROKER_URL}?virtual_host={BROKER}"
        # With this process's key: a session that is made here is one there.
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            "REDIS_URL": broker,
            "SECRET_KEY": settings.SECRET_KEY,
        }
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        _manage(environment, "migrate", "-v0")
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
    given = connection.get_connection_params()
    base = psycopg.conninfo.make_conninfo(
        **{
            name: str(given[name])
            for name in ("host", "port", "user", "password")
            if given.get(name)
        }
    )
    with psycopg.connect(base, dbname=given["dbname"], autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {DATABASE}")
        try:
            parts = psycopg.conninfo.conninfo_to_dict(base)
            login = f"{parts.get('user', '')}{':' + str(parts['password']) if 'password' in parts else ''}"
            where = {name: parts[name] for name in ("host", "port") if name in parts}
            yield f"postgresql://{login}@/{DATABASE}?" + "&".join(
                f"{name}={value}" for name, value in where.items()
            )
        finally:
            admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


@contextmanager
def at(name: str = DATABASE) -> Iterator[None]:
    """Django's own connection leads to this database meanwhile, with everything migrated."""
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


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
