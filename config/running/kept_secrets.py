"""Secrets that are made once and kept in files that only their owner reads."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

ROOT = 0


def kept_secret(path: Path, size: int) -> str:
    """The secret in this file; if there is none yet, a new one of so many random bytes.

    The file is put in place whole: whoever starts at the same time, or is killed here, leaves one
    secret for all. Raises ImproperlyConfigured where others can read it, or have put it there.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = _written(path, secrets.token_urlsafe(size))
        with suppress(FileExistsError):  # somebody else was faster
            os.link(new, path)
        new.unlink()
    with path.open() as file:
        _judge(path, os.fstat(file.fileno()))
        return file.read().strip()


def _judge(path: Path, status: os.stat_result) -> None:
    if status.st_uid not in (os.geteuid(), ROOT):
        cure = "remove it, or choose another VAR"
        raise ImproperlyConfigured(f"The secret in {path} belongs to somebody else; {cure}.")
    if status.st_mode & 0o077:
        cure = f"remove it for a new one, or chmod 600 {path} if nobody else has read it"
        raise ImproperlyConfigured(f"Others may read the secret in {path}; {cure}.")


def _written(beside: Path, text: str) -> Path:
    """A file of its own with the text, which only its owner reads."""
    descriptor, name = tempfile.mkstemp(prefix=f".{beside.name}-", dir=beside.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return Path(name)
