"""The installed form of this program: a starter, and a folder with its modules, compiled.

Compiled when it is installed, for whoever runs it later must not write there. The folder is named
by the version: a timer that waits still finds its modules when another version is installed.
"""

from __future__ import annotations

import hashlib
import os
import zipfile

from . import files, tools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

FLAGS = "-ISB"  # no environment, no site packages, nothing written
SHORT = 16  # digits of a version that name its folder
STARTER = """#!{interpreter} {flags}
# The applier of Shared Networks, as its command `install` has put it here.
import sys

sys.path.insert(0, "{folder}")
from applier.main import main

main("{digest}")
"""


def unpack(archive: str, folder: str, starter: str, interpreter: str) -> str:
    """Put the file that this program is handed on in into its form here; gives its version.

    Raises OSError.
    """
    with open(archive, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    version = f"{folder}/{digest[:SHORT]}"
    before = files.text(starter)
    if not os.path.isdir(version):
        _unpack(archive, version, interpreter)
    text = STARTER.format(interpreter=interpreter, flags=FLAGS, folder=version, digest=digest)
    files.replace(starter, text, 0o755)
    for name in os.listdir(folder):
        if name != os.path.basename(version) and name not in before:
            files.remove_tree(f"{folder}/{name}")
    return digest


def _unpack(archive: str, version: str, interpreter: str) -> None:
    new = f"{version}.{os.getpid()}"
    files.remove_tree(new)
    with zipfile.ZipFile(archive) as members:
        for name in _modules(members.namelist()):
            os.makedirs(os.path.dirname(f"{new}/{name}"), mode=0o755, exist_ok=True)
            files.write(f"{new}/{name}", members.read(name), 0o644, flush=True)
    # By whoever will run it. Where that fails, it is compiled at every start.
    compiling = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", new]
    tools.run([interpreter, FLAGS, *compiling])
    os.rename(new, version)


def _modules(names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith("applier/") and name.endswith(".py")]
