"""Folders that belong to one user alone, made or judged before anything in them is trusted."""

import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path

from config.running.embedded.failing import ServerFailed

PRIVATE = 0o700


def private(folder: Path, owner: int) -> None:
    """Make it, or see that it is this user's alone; no folder above it is changed.

    Raises ServerFailed where it is somebody else's, or something else.
    """
    with suppress(FileExistsError):
        folder.mkdir(mode=PRIVATE)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise ServerFailed(f"{folder} is no folder; remove it, or choose another VAR.")
    was_begun = status.st_uid == os.geteuid() and not any(folder.iterdir())
    if was_begun and owner != status.st_uid:
        os.chown(folder, owner, -1, follow_symlinks=False)
    elif status.st_uid != owner:
        raise ServerFailed(
            f"{folder} belongs to {name(status.st_uid)} instead of {name(owner)}; "
            "give it back, or choose another VAR."
        )
    if stat.S_IMODE(status.st_mode) != PRIVATE:
        folder.chmod(PRIVATE)


def only_ours(folder: Path) -> None:
    """Raise ServerFailed where others own the folder, or may change what is in it."""
    status = folder.stat()
    if status.st_uid != os.geteuid():
        owner = name(status.st_uid)
        raise ServerFailed(
            f"VAR={folder} belongs to {owner}; run this as {owner}, or choose another VAR."
        )
    if status.st_mode & 0o022:
        raise ServerFailed(
            f"Others may write to VAR={folder}: chmod go-w {folder}, or choose another VAR."
        )


def name(uid: int) -> str:
    """The user's name; the number where it has none."""
    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return f"user {uid}"
