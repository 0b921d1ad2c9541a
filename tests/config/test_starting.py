"""What stops a start is one sentence and no traceback, and the status says that it was stopped."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config.running.environment import env_hosts, env_prefixes, env_secret
from config.running.server_urls import broker_url, database
from tests.stack import ROOT, environment, free_port

NOWHERE = "postgresql://ops:geheim@127.0.0.1:1/networks"
BROKER = "redis://:geheim@127.0.0.1:1/0"
MANAGE = (sys.executable, "manage.py")
REFUSED = (
    'PostgreSQL cannot be used: connection failed: connection to server at "127.0.0.1", port 1'
    " failed: Connection refused. Is it running, and DATABASE_URL right?"
)
NO_DATABASE = (
    "DATABASE_URL names no PostgreSQL database, for the rules live in its constraints and triggers;"
    " write it as postgresql://user:password@host:5432/name."
)
NO_URL = (
    "DATABASE_URL has parts that are not written as in a URL (%2F for a slash);"
    " write it as postgresql://user:password@host:5432/name."
)
READ: dict[str, Callable[[], object]] = {
    "DATABASE_URL": lambda: database("DATABASE_URL", ""),
    "REDIS_URL": lambda: broker_url("REDIS_URL", ""),
    "TRUSTED_PROXIES": lambda: env_prefixes("TRUSTED_PROXIES"),
    "SECRET_KEY": lambda: env_secret("SECRET_KEY"),
    "ALLOWED_HOSTS": lambda: env_hosts("ALLOWED_HOSTS", "localhost"),
}
GUESSED = (
    "SECRET_KEY is easily guessed;"
    " it takes at least 32 characters, 10 of them different, made at random."
)
SPELLINGS = "write it as redis://host:6379/0, rediss://host:6379/0 or redis+socket:///path."


@pytest.fixture
def var() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="sn-start-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def ended(command: Sequence[str], var: Path, **more: str) -> tuple[int, str]:
    """Exit status, and the last line; all that came before is no part of a traceback."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(var, free_port(), DEMO="none", **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stdout and "geheim" not in done.stdout, done.stdout
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    return done.returncode, lines[-1]


@pytest.mark.parametrize("command", ["up", "check_rules"])
def test_the_database_is_not_there(var: Path, command: str) -> None:
    named = {"DATABASE_URL": NOWHERE, "REDIS_URL": f"{settings.EMBEDDED.redis_url}?virtual_host=8"}
    assert ended([*MANAGE, command], var, **named) == (1, REFUSED)


def test_the_broker_is_not_there(var: Path) -> None:
    named = {"DATABASE_URL": NOWHERE, "REDIS_URL": BROKER}
    status, line = ended([*MANAGE, "up"], var, **named)
    assert status == 1 and line == (
        "Valkey cannot be used: Error 111 connecting to 127.0.0.1:1. Connection refused."
        " Is it running, and REDIS_URL right?"
    )


def test_a_single_proxy_needs_no_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.5, 10.0.1.0/24, ::1")
    expected = [ip_network(text) for text in ("10.0.0.5/32", "10.0.1.0/24", "::1/128")]
    assert READ["TRUSTED_PROXIES"]() == expected


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DATABASE_URL", "nonsense", NO_DATABASE),
        ("DATABASE_URL", "mysql://ops:geheim@db/networks", NO_DATABASE),
        ("DATABASE_URL", "sqlite:///geheim", NO_DATABASE),
        ("DATABASE_URL", "postgresql://ops:geheim@db:port/networks", NO_URL),
        ("DATABASE_URL", "postgresql://ops:gehe/im@[db/networks", NO_URL),
        ("REDIS_URL", "nonsense", f"REDIS_URL names no Valkey or Redis server; {SPELLINGS}"),
        ("REDIS_URL", "amqp://geheim", f"REDIS_URL names no Valkey or Redis server; {SPELLINGS}"),
        (
            "REDIS_URL",
            "redis://:geheim@valkey:port/0",
            f"REDIS_URL names no Valkey or Redis server; {SPELLINGS}",
        ),
        ("REDIS_URL", "redis:///0", f"REDIS_URL names no host; {SPELLINGS}"),
        (
            "TRUSTED_PROXIES",
            "10.0.0.5,proxy",
            "TRUSTED_PROXIES: 'proxy' is not a prefix such as 10.128.0.0/22 or 2001:db8::/64.",
        ),
        ("SECRET_KEY", "geheim", GUESSED),
        ("SECRET_KEY", "geheim" * 6, GUESSED),
        (
            "ALLOWED_HOSTS",
            "net.example.org,*",
            "ALLOWED_HOSTS=* lets in every name; list those that people type.",
        ),
    ],
)
def test_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured) as caught:
        READ[name]()
    assert str(caught.value) == sentence and "geheim" not in sentence


@pytest.mark.parametrize(
    ("program", "status"),
    [
        (("celery", "-A", "config", "worker", "--pool", "threads"), 1),
        (("gunicorn", "config.wsgi", "--preload", "--log-level", "critical"), 3),
    ],
)
def test_a_wrong_setting_where_a_program_is_started_by_itself(
    var: Path, program: tuple[str, ...], status: int
) -> None:
    command = [sys.executable, "-m", *program]
    assert ended(command, var, DATABASE_URL="nonsense") == (status, NO_DATABASE)


def test_an_older_python(var: Path) -> None:
    """Played by this one, and asked of real ones, as far as they are here."""
    play = "import sys; sys.version_info = (3, 10, 4); import manage; manage.main()"
    sentence = "Python 3.11 or newer is needed; this is 3.10."
    assert ended([sys.executable, "-c", play], var) == (1, sentence)
    for minor in range(6, 11):
        if (python := shutil.which(f"python3.{minor}")) and _runs(python):
            assert ended([python, "manage.py", "up"], var)[0] == 1


def _runs(python: str) -> bool:
    return not subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode


def in_small_folder(options: str, *command: str) -> list[str]:
    """The command with a disk of its own at /mnt, made so."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "a small disk needs root and mount namespaces: run as root"
        )
    script = 'mount -t tmpfs -o "$1" none /mnt && shift && exec "$@"'
    return ["unshare", "-m", "sh", "-c", script, "sh", options, *command]


def test_a_disk_without_room_for_the_database() -> None:
    command = in_small_folder("size=1m,mode=700", *MANAGE, "up")
    status, line = ended(command, Path("/mnt"))
    assert status == 1 and line.startswith("PostgreSQL does not run: ")
    assert line.endswith("No space left on device.")


def test_a_disk_without_room_for_a_secret() -> None:
    command = in_small_folder("nr_inodes=2,mode=700", *MANAGE, "check")
    status, line = ended(command, Path("/mnt"))
    assert status == 1
    assert line.startswith("The disk is full, so /mnt/") and line.endswith("another VAR.")


def test_a_disk_that_is_read_only() -> None:
    command = in_small_folder("ro", *MANAGE, "up")
    sentence = "VAR=/mnt may not be written to; choose another one."
    assert ended(command, Path("/mnt")) == (1, sentence)
