"""The applier as one file for a firewall: a zip of its plain sources, which Python runs.

    manage.py applier > shared-networks-applier

The same sources give the same bytes; their SHA-256 is the version that a push compares.
"""

import hashlib
import io
import sys
import zipfile
from functools import cache
from pathlib import Path

from firewalls.device.applier import unpacking

PACKAGE = Path(__file__).with_name("applier")
NAME = "shared-networks-applier"
FIRST_LINE = b"#!/usr/bin/python3\n"
START = "from applier.main import main\n\nmain()\n"
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can have
READABLE = 0o100644 << 16


@cache
def content() -> bytes:
    """The file."""
    return packed(modules())


def modules() -> dict[str, str]:
    """Its sources, by their paths."""
    return {str(path.relative_to(PACKAGE)): path.read_text() for path in PACKAGE.rglob("*.py")}


def packed(texts: dict[str, str]) -> bytes:
    """A file of other sources than these, as a test may want it."""
    sources = {
        "__main__.py": START,
        **{f"applier/{name}": texts[name] for name in sorted(texts)},
    }
    file = io.BytesIO(FIRST_LINE)
    file.seek(len(FIRST_LINE))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, text in sources.items():
            member = zipfile.ZipInfo(name, LONG_AGO)
            member.create_system, member.external_attr = 3, READABLE
            archive.writestr(member, text)
    return file.getvalue()


@cache
def digest() -> str:
    """SHA-256 of the file: the version of the applier that this product speaks with."""
    return hashlib.sha256(content()).hexdigest()


def unpacked(folder: Path, interpreter: str = sys.executable, file: bytes = b"") -> list[str]:
    """The command that runs the applier here, in the form that `install` gives it on a firewall."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).write_bytes(file or content())
    starter = folder / "start" / NAME
    starter.parent.mkdir(exist_ok=True)
    versions = folder / "versions"
    versions.mkdir(exist_ok=True)
    unpacking.unpack(str(folder / NAME), str(versions), str(starter), interpreter)
    return [interpreter, unpacking.FLAGS, str(starter)]
