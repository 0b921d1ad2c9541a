"""Secrets that are made once and kept in files that only their owner reads."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path


def kept_secret(path: Path, size: int) -> str:
    """The secret in this file; if there is none yet, a new one of so many random bytes.

    The file is put in place whole: whoever starts at the same time, or is killed here, leaves one
    secret for all.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        new = _written(path, secrets.token_urlsafe(size))
        with suppress(FileExistsError):  # somebody else was faster
            os.link(new, path)
        new.unlink()
    return path.read_text().strip()


def _written(beside: Path, text: str) -> Path:
    """A file of its own with the text, which only its owner reads."""
    descriptor, name = tempfile.mkstemp(prefix=f".{beside.name}-", dir=beside.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return Path(name)
