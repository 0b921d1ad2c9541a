"""The tar that was sent: nothing but the managed files, each once and plain (POSIX ustar).

It is judged whole before anything is written. The module tarfile would take far more than that,
and cost 15 ms at every push.
"""

from __future__ import annotations

import os

from . import box, files
from .remarks import Failed

BLOCK = 512
LARGEST = 4_000_000  # bytes that are taken at all
CHUNK = 1 << 20
PLAIN = (b"0", b"\0")
PLAIN_ONLY = "Refused: only plain files are taken."


def received() -> bytes:
    """What is sent, up to the first byte too many."""
    chunks = []
    room = LARGEST + 1
    while room:
        chunk = os.read(0, min(room, CHUNK))
        if not chunk:
            break
        chunks.append(chunk)
        room -= len(chunk)
    return b"".join(chunks)


def unpack(archive: bytes, folder: str) -> None:
    """Write what was sent into a new folder. Raises Failed."""
    if len(archive) > LARGEST:
        raise Failed(f"Refused: more than {LARGEST} bytes were sent.")
    members = _members(archive)
    for name in box.REQUIRED:
        if name not in members:
            raise Failed(f"Refused: {name} must be there, once.")
    try:
        for name, content in members.items():
            os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
            files.write(f"{folder}/{name}", content)
    except OSError as error:
        raise Failed(f"Refused: there is no room for it: {error.strerror}") from error


def _members(archive: bytes) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    at = 0
    while True:
        header = archive[at : at + BLOCK]
        if len(header) < BLOCK:
            raise _broken("it ends too early")
        if not header.strip(b"\0"):
            break
        name, size = _described(header)
        if name in members:
            raise Failed("Refused: a file must be there once, not twice.")
        at += BLOCK
        content = archive[at : at + size]
        if len(content) < size:
            raise _broken(f"{name} is cut off")
        members[name] = content
        at += -(-size // BLOCK) * BLOCK
    if archive[at:].strip(b"\0"):
        raise _broken("something comes after its end")
    return members


def _described(header: bytes) -> tuple[str, int]:
    """The name and the size that a header gives, if it is that of a managed file."""
    if header[257:262] != b"ustar":
        raise _broken("it is no ustar")
    if _octal(header[148:156]) != sum(header[:148]) + 8 * 32 + sum(header[156:]):
        raise _broken("a checksum is wrong")
    if header[156:157] not in PLAIN:
        raise Failed(PLAIN_ONLY)
    name = b"/".join(filter(None, (_text(header[345:500]), _text(header[:100]))))
    readable = name.decode("ascii", "replace")
    if not files.managed(readable):
        raise Failed(f"Refused: {readable} is not a file that is managed here.")
    return readable, _octal(header[124:136])


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _octal(field: bytes) -> int:
    digits = field.strip(b"\0 ")
    if not digits or digits.strip(b"01234567"):
        raise _broken("a number is none")
    return int(digits, 8)


def _broken(reason: str) -> Failed:
    return Failed(f"Refused: this is no plain whole archive: {reason}")
