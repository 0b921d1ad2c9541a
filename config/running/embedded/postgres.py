"""The embedded PostgreSQL.

Its socket is in the folder of its data, which PostgreSQL itself insists is its user's alone; and
whoever gets there is asked by the kernel who they are. Where this process is root, which the server
refuses to be, it runs as a user of its own. That user may not be able to enter the folders above,
and no permission of theirs is changed: the server is put into its folder before it becomes that
user, and knows it by no other name than its working directory.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from typing import Any

from config.running.embedded import folders, programs
from config.running.embedded.failing import ServerFailed, why
from config.running.embedded.options import DATABASE, Embedded
from config.running.embedded.waiting import START_SECONDS, wait_until

SYSTEM_USER = "pgserver"
HERE = "/proc/self/cwd"
OPTIONS = {
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
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
REJECTING, NO_RESPONSE = 1, 2  # of pg_isready: starting or ending, and not there


def start(embedded: Embedded) -> None:
    """Start it, if it does not answer yet, with a database. Raises ServerFailed."""
    data, owner = embedded.postgres_folder, _owner()
    folders.private(data, owner.pw_uid)
    if not (data / "PG_VERSION").exists():
        shutil.rmtree(data)  # what an interrupted initdb left
        folders.private(data, owner.pw_uid)
        options = ("--auth=peer", "--encoding=UTF8", "--locale=C", "--username=postgres")
        _run(embedded, "initdb", *options)
    sentence = f"PostgreSQL does not start; see {data / 'log'}."
    wait_until(lambda: _state(embedded) != REJECTING, sentence)
    if _state(embedded) == NO_RESPONSE:
        _let_in_nobody_else(embedded, owner)
        _run_server(embedded)
    _ensure_database(embedded)


def stop(embedded: Embedded) -> None:
    """Stop it, with everything written."""
    if (embedded.postgres_folder / "postmaster.pid").exists():
        _run(embedded, "pg_ctl", "stop", "-w", "-m", "fast")


def _let_in_nobody_else(embedded: Embedded, owner: pwd.struct_passwd) -> None:
    """The user who runs this, and the server's own; also where an older version let in anybody.

    Written by the server's user: root would follow a link that a server taken over has made.
    """
    names = sorted({owner.pw_name, folders.name(os.geteuid())})
    files = {
        "pg_hba.conf": "local all postgres peer map=owner\n",
        "pg_ident.conf": "".join(f'owner "{name}" postgres\n' for name in names),
    }
    for name, text in files.items():
        _as_owner(embedded, "/bin/sh", "-c", f'printf %s "$1" > {name}', "sh", text)


def _run_server(embedded: Embedded) -> None:
    options = OPTIONS if embedded.durable else OPTIONS | OPTIONS_NOT_DURABLE
    server = " ".join(f"-c {name}='{value}'" for name, value in options.items())
    with suppress(ServerFailed):
        # One that listens elsewhere, as older versions did; or one that has ended.
        stop(embedded)
    _run(embedded, "pg_ctl", "start", "-w", "-t", str(START_SECONDS), "-l", "log", "-o", server)


def _ensure_database(embedded: Embedded) -> None:
    query = f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"
    if not _run(embedded, "psql", "-Atc", query).strip():
        _run(embedded, "createdb", DATABASE)


def _state(embedded: Embedded) -> int:
    """What pg_isready says."""
    return _as_owner(embedded, str(programs.folder(_owner()) / "pg_isready"))[0]


def _run(embedded: Embedded, program: str, *arguments: str) -> str:
    """What one of PostgreSQL's programs prints. Raises ServerFailed with why it does not."""
    path = str(programs.folder(_owner()) / program)
    status, text = _as_owner(embedded, path, *arguments)
    if status:
        raise why(program, text, embedded.postgres_folder / "log")
    return text


def _as_owner(embedded: Embedded, *command: str) -> tuple[int, str]:
    """Exit status and output of a command in the folder of the data, as PostgreSQL's user."""
    owner = _owner()
    user: dict[str, Any] = {}
    if owner.pw_uid != os.geteuid():
        user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    # A file, not a pipe: the server that pg_ctl leaves running would keep a pipe open for ever.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=embedded.postgres_folder,  # entered before it becomes that user
            umask=0o077,
            env={"PATH": os.defpath, "LC_ALL": "C", "PGUSER": "postgres", **_place(embedded)},
            check=False,
            **user,
        )
        output.seek(0)
        return done.returncode, output.read().decode(errors="replace")


def _place(embedded: Embedded) -> dict[str, str]:
    """Where PostgreSQL's programs find data and socket, once they are in the folder."""
    if os.path.exists(HERE):
        return {"PGDATA": HERE, "PGHOST": HERE}
    folder, socket = embedded.postgres_folder, embedded.postgres_socket
    return {"PGDATA": str(folder), "PGHOST": str(socket.parent)}


def _owner() -> pwd.struct_passwd:
    """The user PostgreSQL runs as: this one, or where that is root one of its own, made if need be.

    Raises ServerFailed.
    """
    try:
        if os.geteuid() != 0:
            return pwd.getpwuid(os.geteuid())
        with suppress(KeyError):
            return pwd.getpwnam(SYSTEM_USER)
        options = ("--system", "--no-create-home", "--shell", "/usr/sbin/nologin")
        subprocess.run(["useradd", *options, SYSTEM_USER], check=True, capture_output=True)
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError as error:
        raise ServerFailed(
            f"PostgreSQL does not start: user {os.geteuid()} has no name; give it one in "
            "/etc/passwd, or name a server in DATABASE_URL."
        ) from error
    except (OSError, subprocess.CalledProcessError) as error:
        raise ServerFailed(
            f"PostgreSQL does not run as root, and no user {SYSTEM_USER} can be made: "
            "install useradd (package passwd), or run this as another user."
        ) from error
