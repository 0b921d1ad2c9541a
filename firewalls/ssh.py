"""The product's own SSH key."""

import os
from pathlib import Path

import asyncssh


def ensure_key(path: Path) -> Path:
    """The private key's file; made once, readable by its owner only, its public half beside it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        key = asyncssh.generate_private_key("ssh-ed25519", comment="shared-networks")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.export_private_key())
        path.with_suffix(".pub").write_bytes(key.export_public_key())
    return path


def public_line(path: Path) -> str:
    """The public half as one line without a comment, as a pinned host key is kept: `ssh-ed25519 AAAA…`."""
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])
