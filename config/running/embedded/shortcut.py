"""A short way to a folder whose path is too long for a Unix socket's.

It is a link in a temporary folder that was made for this alone, under a name that nobody could
know. Where it is stands in the folder itself. What is found there is judged each time, because
whoever cleans up temporary files makes room for a folder of somebody else's under that name.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from pathlib import Path

KEPT_AS = "shortcut"  # in the folder that is led to
LINK = "var"


def shortcut(folder: Path) -> Path:
    """The short path; made if need be, and marked as used so that no cleaner takes it."""
    kept = folder / KEPT_AS
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / f"{KEPT_AS}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_ours(kept, folder):
            _make(kept, folder)
    link = kept.readlink() / LINK
    os.utime(link.parent)
    os.utime(link, follow_symlinks=False)
    return link


def _is_ours(kept: Path, folder: Path) -> bool:
    """Whether the link is in a folder that its owner alone may change, and leads where it shall."""
    try:
        there = kept.readlink()
        status = there.lstat()
        leads_here = (there / LINK).readlink() == folder
    except OSError:
        return False
    owner = folder.stat().st_uid
    is_private = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
    return is_private and status.st_uid == owner and leads_here


def _make(kept: Path, folder: Path) -> None:
    made = Path(tempfile.mkdtemp(prefix="sn-"))
    try:
        (made / LINK).symlink_to(folder)
        new = folder / f"{KEPT_AS}.new"
        new.unlink(missing_ok=True)
        new.symlink_to(made)
        new.replace(kept)
    except BaseException:
        shutil.rmtree(made)
        raise
