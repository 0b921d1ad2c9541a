"""The product's own SSH key: made once, kept in a file, shown to every firewall."""

import os
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import asyncssh

from firewalls.device.target import TransportError


def ensure_key(path: Path, kind: str = "ssh-ed25519") -> Path:
    """The private key's file; made once, readable by its owner only, its public half beside it.

    Each half is put in place whole: whoever is killed here, or comes at the same time, leaves one
    key that fits.
    """
    public = path.with_suffix(".pub")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        key = asyncssh.generate_private_key(kind, comment="shared-networks")
        written = _written_beside(path, key.export_private_key())
        with suppress(FileExistsError):
            os.link(written, path)
        written.unlink()
    if not public.exists():
        key = asyncssh.read_private_key(path)
        _written_beside(public, key.export_public_key()).replace(public)
    return path


def _written_beside(path: Path, content: bytes) -> Path:
    """A temporary file beside this one with the content, which only its owner can read."""
    descriptor, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return Path(name)


def public_line(path: Path) -> str:
    """The public half without its comment, `ssh-ed25519 AAAA…`: so a host key is pinned."""
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


def previous(path: Path) -> Path:
    """Where the key is that another one replaces, until all firewalls know the new one."""
    return path.with_name(f"{path.name}.before")


def replace_key(path: Path) -> None:
    """Make a new key, which is offered first; the one before stays beside it, and is offered too.

    Raises FileExistsError while an older one is not retired yet.
    """
    ensure_key(path)
    os.link(path, previous(path))  # refused where there is one
    key = asyncssh.generate_private_key("ssh-ed25519", comment="shared-networks")
    _written_beside(path, key.export_private_key()).replace(path)
    _written_beside(path, key.export_public_key()).replace(path.with_suffix(".pub"))


def client_keys(path: Path | None) -> list[asyncssh.SSHKey] | tuple[()]:
    """The keys to log in with, the new one first while one replaces another.

    None where an agent has them. Raises TransportError.
    """
    if path is None:
        return ()
    try:
        files = [path, previous(path)] if previous(path).exists() else [path]
        return [_read(file, _version(file)) for file in files]
    except (OSError, asyncssh.KeyImportError) as error:
        raise TransportError(
            f"The product's own SSH key cannot be read from {path}: {error}", local=True
        ) from error


def _version(path: Path) -> tuple[int, int, int, int]:
    """Another one for every content that the file has had. Raises OSError."""
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


@lru_cache(maxsize=8)
def _read(path: Path, version: tuple[int, int, int, int]) -> asyncssh.SSHKey:
    return asyncssh.read_private_key(path)
