"""The product's own SSH key."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import asyncssh


def ensure_key(path: Path, kind: str = "ssh-ed25519") -> Path:
    """The private key's file; made once, readable by its owner only, its public half beside it.

    Each half is put in place whole: whoever is killed here, or comes at the same time, leaves one key that fits.
    """
    public = path.with_suffix(".pub")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = _written(
            path,
            asyncssh.generate_private_key(kind, comment="shared-networks").export_private_key(),
        )
        with suppress(FileExistsError):
            os.link(made, path)
        made.unlink()
    if not public.exists():
        _written(public, asyncssh.read_private_key(path).export_public_key()).replace(public)
    return path


def _written(path: Path, content: bytes) -> Path:
    descriptor, name = tempfile.mkstemp(
        prefix=path.name, dir=path.parent
    )  # which only its owner reads
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return Path(name)


def public_line(path: Path) -> str:
    """The public half as one line without a comment, as a pinned host key is kept: `ssh-ed25519 AAAA…`."""
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])
