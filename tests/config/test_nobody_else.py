"""What the embedded servers keep is for who runs them: tried as another user of the machine."""

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured

from config.running.embedded import Embedded, ServerFailed, programs, servers, shortcut
from config.running.kept_secrets import kept_secret
from tests.config.nobody import OTHER, as_nobody, needs_root
from tests.stack import running

DENIED = "PermissionError: [Errno 13] Permission denied"


@pytest.fixture
def parent() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="sn-else-")).resolve()
    yield folder
    programs.folder.cache_clear()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def var(parent: Path) -> Path:
    """A folder that everybody may look into, as older versions made it."""
    parent.chmod(0o755)
    (parent / "var").mkdir(mode=0o755)
    return parent / "var"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def connect(path: str) -> str:
    with closing(socket.socket(socket.AF_UNIX)) as client:
        client.connect(path)
    return "connected"


def log_in(folder: str) -> str:
    with psycopg.connect(host=folder, user="postgres", dbname="postgres") as connection:
        return str(connection.execute("SELECT current_user").fetchall())


def through_an_open_door(embedded: Embedded) -> str:
    embedded.postgres_socket.chmod(0o777)
    embedded.postgres_folder.chmod(0o711)
    return as_nobody(partial(log_in, str(embedded.postgres_folder)))


def read(path: Path) -> bytes:
    return path.read_bytes()


def test_another_user_reaches_no_socket_and_no_secret_of_a_running_product(var: Path) -> None:
    needs_root()
    with running(var, DEMO="none") as stack:
        sockets = [path for path in var.rglob("*") if path.is_socket()]
        assert {path.name for path in sockets} == {".s.PGSQL.5432", "valkey.sock"}
        for path in sockets:
            assert as_nobody(partial(connect, str(path))).startswith(DENIED), path
        secrets = [*var.glob("secret_key"), *var.glob("ssh/id_*[!b]"), *var.rglob("PG_VERSION")]
        for path in (*secrets, *var.glob("valkey/*"), *var.glob("practice/*key")):
            assert as_nobody(partial(read, path)).startswith(DENIED), path
        assert len(secrets) >= 3 and stack.ready()


def test_a_new_folder_is_closed_to_others_and_no_folder_above_is_opened(parent: Path) -> None:
    """As root PostgreSQL runs as a user of its own, who does not pass through the parent either."""
    var = parent / "closed" / "var"
    var.parent.mkdir(mode=0o700)
    embedded = Embedded(var, durable=False)
    with servers(embedded):
        assert "postgres" in log_in(str(embedded.postgres_socket.parent))
    assert [mode(path) for path in (var, var.parent, parent)] == [0o700] * 3
    assert {mode(path) for path in (var / "postgres", var / "valkey")} == {0o700}


def test_who_gets_to_the_socket_all_the_same_is_asked_by_the_kernel_who_they_are(
    var: Path,
) -> None:
    embedded = Embedded(var, valkey=False, durable=False)
    with servers(embedded):
        assert "Peer authentication failed for user" in through_an_open_door(embedded)


def test_data_of_a_version_that_let_in_anybody_is_closed(var: Path) -> None:
    embedded = Embedded(var, valkey=False, durable=False)
    with servers(embedded):
        pass
    (var / "postgres" / "pg_hba.conf").write_text("local all all trust\n")
    with servers(embedded):
        assert "Peer authentication failed for user" in through_an_open_door(embedded)


def test_programs_that_its_user_cannot_reach_are_copied_to_where_root_alone_writes(
    var: Path, parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_root()
    wheel, closed = programs._wheel(), parent / "closed"
    closed.mkdir(mode=0o700)
    for name in (programs.WHEEL, f"{programs.WHEEL}.libs"):
        (closed / name).symlink_to(wheel / name)
    monkeypatch.setattr(programs, "_wheel", lambda: closed)
    monkeypatch.setattr(programs, "COPIES", parent / "copies")
    programs.folder.cache_clear()
    embedded = Embedded(var, valkey=False, durable=False)
    with servers(embedded):
        assert "postgres" in log_in(str(embedded.postgres_socket.parent))
    assert mode(closed) == 0o700
    copied = list((parent / "copies").rglob("*"))
    assert {path.stat().st_uid for path in copied} == {0}
    assert [path for path in copied if mode(path) & 0o022] == []


def test_a_place_for_copies_that_somebody_else_has_made_is_not_used(
    parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_root()
    copies = parent / "copies"
    copies.mkdir()
    shutil.chown(copies, OTHER)
    monkeypatch.setattr(programs, "COPIES", copies)
    monkeypatch.setattr(programs, "_can_run", lambda wheel, owner: False)
    programs.folder.cache_clear()
    with (
        pytest.raises(ServerFailed, match=r"copies is not root's alone; remove it"),
        servers(Embedded(parent / "var", valkey=False)),
    ):
        pass


def test_a_path_too_long_for_a_socket_is_shortened_by_a_link_that_only_we_could_have_made(
    parent: Path,
) -> None:
    embedded = Embedded(parent / ("long" * 30), durable=False)
    with servers(embedded):
        short = embedded.postgres_socket
        assert len(str(short)) < 100 and "postgres" in log_in(str(short.parent))
        assert embedded.valkey_socket.is_socket()
        made = short.parents[2]
        assert mode(made) == 0o700 and embedded.postgres_socket == short
    shutil.rmtree(made)


def test_what_somebody_else_put_where_our_link_was_is_not_followed(parent: Path) -> None:
    folder = parent / "here"
    first = shortcut.shortcut(folder).parent
    shutil.rmtree(first)

    def squat() -> None:
        first.mkdir(mode=0o700)
        (first / "var").symlink_to(folder)

    assert as_nobody(squat) == "None"
    second = shortcut.shortcut(folder).parent
    assert second != first and shortcut.shortcut(folder).parent == second
    second.chmod(0o777)
    third = shortcut.shortcut(folder).parent
    assert third not in (first, second)
    for path in (first, second, third):
        shutil.rmtree(path)


def test_a_folder_of_somebody_else_or_that_others_may_change_is_refused(var: Path) -> None:
    needs_root()
    embedded = Embedded(var, postgres=False)
    var.chmod(0o777)
    with pytest.raises(ServerFailed, match=rf"Others may write to VAR={var}: chmod go-w {var}"):
        servers(embedded).__enter__()
    var.chmod(0o755)
    shutil.chown(var, OTHER)
    with pytest.raises(ServerFailed, match=f"belongs to {OTHER}; run this as {OTHER}, or choose"):
        servers(embedded).__enter__()


@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_server_s_folder_of_somebody_else_or_a_link_is_refused(var: Path, name: str) -> None:
    needs_root()
    embedded = Embedded(var, postgres=name == "postgres", valkey=name == "valkey")
    (var / name).mkdir()
    (var / name / "file").touch()
    shutil.chown(var / name, OTHER)
    with pytest.raises(ServerFailed, match=rf"{name} belongs to {OTHER} instead of"):
        servers(embedded).__enter__()
    (var / name).rename(var / "elsewhere")
    (var / name).symlink_to(var / "elsewhere")
    with pytest.raises(ServerFailed, match=rf"{name} is no folder; remove it, or choose"):
        servers(embedded).__enter__()
    assert (var / "elsewhere").owner() == OTHER


def test_a_path_with_quotes_and_spaces_is_a_path_like_any_other(parent: Path) -> None:
    embedded = Embedded(parent / 'it\'s "a" $(touch x) folder', durable=False)
    with servers(embedded):
        assert "postgres" in log_in(str(embedded.postgres_socket.parent))


def test_a_secret_that_others_can_read_or_have_put_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("known to all")
    path.chmod(0o644)
    with pytest.raises(ImproperlyConfigured, match="Others may read the secret in"):
        kept_secret(path, 30)
    path.chmod(0o600)
    assert kept_secret(path, 30) == "known to all"
    needs_root()
    os.chown(path, 65534, -1)
    with pytest.raises(ImproperlyConfigured, match="belongs to somebody else; remove it"):
        kept_secret(path, 30)
