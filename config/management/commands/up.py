"""`manage.py up`: the whole product on this machine, until Ctrl-C."""

import fcntl
import http.client
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand

from config.celery import app
from config.running import embedded, web
from config.running.kept_secrets import kept_secret
from config.running.supervisor import Program, Supervisor, say
from firewalls.device import practice
from firewalls.device.keys import ensure_key
from firewalls.models import Firewall
from networks.models import Partition

ADMIN = "admin"


class Command(BaseCommand):
    help = "Start servers, web, worker, beat and practice firewalls; stop them all with Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        settings.VAR.mkdir(parents=True, exist_ok=True)
        with _only_one(settings.VAR / "up.lock"):
            _port_is_free(settings.PORT)
            with embedded.servers(settings.EMBEDDED):
                _broker_answers()
                _set_up()
                mend = partial(embedded.mend, settings.EMBEDDED)
                Supervisor(_programs(), mend, is_ready=_is_ready, ready=_welcome).run()
        say("up", "stopped")


def _set_up() -> None:
    """Bring database and static files to this version, and build the demo if there is nothing."""
    say("up", "setting up")
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    _make_admin()
    ensure_key(settings.SSH_KEY)
    _follow_practice_port()
    size = os.environ.get("DEMO") or "default"
    if size != "none":
        # It builds on an empty database only, and goes on with what was interrupted.
        call_command("demo", size=size, verbosity=0 if Partition.objects.exists() else 1)


def _make_admin() -> None:
    """The demo login; a changed password stays, unless DEMO_PASSWORD names another one."""
    admin, made = User.objects.get_or_create(
        username=ADMIN, defaults={"is_staff": True, "is_superuser": True}
    )
    if made or os.environ.get("DEMO_PASSWORD"):
        admin.set_password(_password())
        admin.save()


def _follow_practice_port() -> None:
    """Practice firewalls get another port if somebody took theirs while the product was down."""
    file = settings.PRACTICE / "port"
    before = int(file.read_text()) if file.exists() else 0
    now = practice.port(settings.PRACTICE)
    if now != before:
        Firewall.objects.filter(practice=True, port=before).update(port=now)


def _password() -> str:
    """DEMO_PASSWORD, or one made once and kept where only its owner reads it."""
    named = os.environ.get("DEMO_PASSWORD")
    return named or kept_secret(settings.VAR / "demo_password", 12)


def _programs() -> list[Program]:
    """Pages go before pushes, and these before what only plays the firewalls.

    Each step is a third of the weight and no more: nobody may starve where others take all the
    machine.
    """
    python = sys.executable
    folder, key = str(settings.PRACTICE), str(settings.SSH_KEY)
    # Celery warns of root at every start; here it serves loopback only, and PostgreSQL has a user
    # of its own.
    silenced = ["-W", "ignore:You're running the worker"]
    celery = [python, *silenced, "-m", "celery", "--quiet", "-A", "config"]
    quiet = ["--loglevel", "WARNING"]
    alone = ["--without-gossip", "--without-mingle"]
    worker = [*celery, "worker", "--pool", "threads", *alone, *quiet]
    return [
        Program("practice", [python, "-m", "firewalls.device.practice", folder, key], nicer=10),
        Program("web", web.command(settings.PORT)),
        Program("beat", [*celery, "beat", *quiet]),
        Program("worker", worker, nicer=5),
    ]


def _is_ready() -> bool:
    connection = http.client.HTTPConnection(web.HOST, settings.PORT, timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Host": "localhost"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def _welcome() -> None:
    say("up", f"ready: http://localhost:{settings.PORT}/")
    is_unchanged = User.objects.get(username=ADMIN).check_password(_password())
    password = f"the password {_password()}" if is_unchanged else "the password you have given it"
    say("up", f"log in as {ADMIN} with {password}")
    say("up", "stop with Ctrl-C")


def _broker_answers() -> None:
    """Raises what its client raises where it does not."""
    with app.connection_for_read() as broker:
        broker.ensure_connection(max_retries=1, timeout=2)


def _port_is_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((web.HOST, port))
        except OSError as error:
            cure = f"choose another one: make run PORT={port + 1}"
            raise CommandError(f"Port {port} is in use; {cure}") from error


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            cure = "stop that one, or choose another VAR"
            raise CommandError(f"It is running already on {path.parent}; {cure}.") from error
        yield
