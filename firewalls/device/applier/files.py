"""The managed files: which they are, what differs, and how they are put in place.

Some of them are in folders that others may write to: Debian gives /etc/frr to the user frr. So no
link in such a folder is followed, nothing there is written through a name that somebody else may
have taken, and a new file is given away by its descriptor, never by its name.
"""

from __future__ import annotations

import errno
import os
import stat

from . import box
from .remarks import Failed

PLAIN_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_")
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe that nobody writes to is no reason to wait.
READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
PRIVATE = 0o600


def managed(name: str) -> bool:
    """Whether it is managed here. Units of others, such as the management interface's, are not."""
    if name in box.KNOWN:
        return True
    folder, _, unit = name.rpartition("/")
    if folder != box.UNITS or not PLAIN_NAME.issuperset(unit):
        return False
    return unit[:2].isdigit() and unit[2:6] == "-sn-" and unit.endswith((".netdev", ".network"))


def contents(folder: str) -> dict[str, bytes]:
    """The managed files that are in a folder, and what they say."""
    try:
        units = [f"{box.UNITS}/{name}" for name in sorted(os.listdir(f"{folder}/{box.UNITS}"))]
    except (FileNotFoundError, NotADirectoryError):
        units = []
    every = {name: read(folder, name) for name in [*box.KNOWN, *filter(managed, units)]}
    return {name: content for name, content in every.items() if content is not None}


def differences(one: str, other: str) -> list[str]:
    """The managed files that are not the same in both folders."""
    here, there = contents(one), contents(other)
    return [name for name in {**here, **there} if here.get(name) != there.get(name)]


def read(folder: str, name: str) -> bytes | None:
    """What a managed file says; None where there is no plain file that is to be trusted."""
    try:
        descriptor = _open(f"{folder}/{name}")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            return None
        raise
    with open(descriptor, "rb") as file:
        return file.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else None


def text(path: str) -> str:
    """What one of this program's own files says; nothing where there is none."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _open(path: str) -> int:
    try:
        return os.open(path, READ | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno != errno.ELOOP or not ours_alone(os.path.dirname(path)):
            raise
    return os.open(path, READ)


def ours_alone(folder: str) -> bool:
    """Whether only root, or who runs this, can have put there what is in a folder."""
    status = os.stat(folder)
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & 0o022


def write(
    path: str,
    content: bytes,
    mode: int = PRIVATE,
    owner: tuple[int, int] | None = None,
    *,
    flush: bool = False,
) -> None:
    """Make a file that is not there yet. Where that fails, none is left."""
    descriptor = os.open(path, CREATE, PRIVATE)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fchmod(descriptor, mode)
        if owner:
            os.fchown(descriptor, *owner)
        if flush:
            os.fsync(descriptor)
    except OSError as error:
        os.unlink(path)
        error.filename = error.filename or path
        raise
    finally:
        os.close(descriptor)


def replace(path: str, text: str, mode: int = PRIVATE) -> None:
    """Put a file of this program's own, or of root's, in the place of another, onto the disk."""
    new = f"{path}.new"
    remove(new)
    write(new, text.encode(errors="surrogateescape"), mode, flush=True)
    os.rename(new, path)
    flush_folder(os.path.dirname(path))


def flush_folder(folder: str) -> None:
    """What was renamed, made or removed in it must be on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        error.filename = folder
        raise
    finally:
        os.close(descriptor)


def copy(source: str, target: str) -> None:
    """The managed files of a folder, into a new one, onto the disk."""
    copied = contents(source)
    folders = dict.fromkeys([target, *(f"{target}/{os.path.dirname(name)}" for name in copied)])
    for folder in folders:
        os.makedirs(folder, exist_ok=True)
    for name, content in copied.items():
        write(f"{target}/{name}", content, flush=True)
    for folder in folders:
        flush_folder(folder)


def install(source: str, names: list[str]) -> None:
    """Put these of the managed files in place, and remove those that the source lacks.

    All are on the disk before the first of them is moved.
    """
    staged = {}
    for name in names:
        content = read(source, name)
        staged[name] = "" if content is None else _stage(name, content)
    for name, path in staged.items():
        if path:
            os.rename(path, f"{box.ROOT}/{name}")
        else:
            remove(f"{box.ROOT}/{name}")
    for folder in {os.path.dirname(name) for name in names}:
        flush_folder(f"{box.ROOT}/{folder}")


def _stage(name: str, content: bytes) -> str:
    """A new file, from where one move puts it in its place."""
    folder = os.path.dirname(f"{box.ROOT}/{name}")
    before = os.umask(0o022)
    os.makedirs(folder, exist_ok=True)
    os.umask(before)
    # networkd is not root; the others are, or get their file.
    mode = 0o640 if name in box.REQUIRED else 0o644
    owner = _frr() if name == box.FRR and not box.PRACTICE else None
    return _beside(name, content, mode, owner)


def put(name: str, content: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Put one file of this box in place, in one move."""
    os.rename(_beside(name, content, mode, owner), f"{box.ROOT}/{name}")
    flush_folder(os.path.dirname(f"{box.ROOT}/{name}"))


def _beside(name: str, content: bytes, mode: int, owner: tuple[int, int] | None) -> str:
    folder = staging(os.path.dirname(f"{box.ROOT}/{name}"))
    path = f"{folder}/.{name.replace('/', '-')}.new"
    remove(path)
    write(path, content, mode, owner, flush=True)
    return path


def staging(folder: str) -> str:
    """The nearest folder above, on the same file system, that nobody else can write to.

    Where there is none, it is the folder itself: what is written is a new file all the same.
    """
    device = os.stat(folder).st_dev
    depth = folder.count("/")
    for up in range(depth):
        place = folder.rsplit("/", up)[0]
        if os.stat(place).st_dev != device:
            break
        if ours_alone(place):
            return place
    return folder


def remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def remove_tree(path: str) -> None:
    """Remove a folder of this program's own, or a file; shutil would cost 10 ms at every push."""
    if not os.path.isdir(path) or os.path.islink(path):
        remove(path)
        return
    for name in os.listdir(path):
        remove_tree(f"{path}/{name}")
    os.rmdir(path)


def remove_like(folder: str, *beginnings: str) -> None:
    """Remove what is in a folder under names that begin like this."""
    for name in os.listdir(folder):
        if name.startswith(beginnings):
            remove_tree(f"{folder}/{name}")


def _frr() -> tuple[int, int]:
    import pwd

    try:
        account = pwd.getpwnam("frr")
    except KeyError as error:
        raise Failed("There is no user frr here to give frr.conf to; is FRR installed?") from error
    return account.pw_uid, account.pw_gid
