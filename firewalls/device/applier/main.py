"""What whoever starts the program wants of it: the words of a command, or of an SSH client."""

from __future__ import annotations

import os
import sys

from . import box
from .remarks import Failed
from .steps import complain, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

REFUSED = 64
KNOWN = (
    "This account runs the applier only: apply, confirm, show, check, survey, give-back or version."
)


def main(digest: str = "") -> NoReturn:
    """Do it, and end with its status. Without a digest, this is the file that installs."""
    # `signal` would cost 4 ms for its enums. Whoever sends may hang up: the run goes on.
    import _signal  # type: ignore[import-not-found]

    _signal.signal(_signal.SIGHUP, _signal.SIG_IGN)
    os.umask(0o077)
    os.environ["PATH"] = os.environ.get("PATH", os.defpath) + box.MORE_PATH
    os.environ["LC_ALL"] = "C"
    status = _run(_words(), digest)
    os._exit(status)  # nothing is left to do, and an orderly end costs a millisecond


def _words() -> list[str]:
    """As the forced command of an SSH key: the words are the client's, who installs nothing."""
    words = sys.argv[1:]
    if not words:
        words = os.environ.get("SSH_ORIGINAL_COMMAND", "").split()
        if words[:1] in (["install"], ["retire"]):
            words = []
    return [*words, "", ""]


def _run(words: list[str], digest: str) -> int:
    verb = words[0]
    if verb in ("apply", "give-back"):
        return 0 if _push(verb, words, _version(digest)) else 1
    if verb == "confirm":
        return _confirm(words[1])
    if verb == "install":
        from .setup import install

        return install(words[1], digest)
    if verb == "retire":
        from .letting_in import retire

        return retire(words[1])
    return 0 if _answered(verb, digest) else _inside(words)


def _answered(verb: str, digest: str) -> bool:
    """Whether it was a question, which changes nothing."""
    if verb == "survey":
        from .survey import survey

        survey()
    elif verb == "show":
        from .showing import show

        show(_version(digest))
    elif verb == "check":
        from .readiness import check

        check()
    elif verb == "version":
        from .speaking import identity

        say(*identity(_version(digest)))
    else:
        return False
    return True


def _push(verb: str, words: list[str], digest: str) -> bool:
    if verb == "apply":
        from .pushing import Push

        return Push(words[1], digest, words[2:]).run()
    from .giving_back import GivingBack

    return GivingBack(words[1], digest, []).run()


def _confirm(token: str) -> int:
    from . import last

    try:
        say(last.confirm(token))
    except (Failed, OSError) as error:
        say(str(error))
        return 1
    return 0


def _inside(words: list[str]) -> int:
    """What only this program, and the box when it boots, may want."""
    if words[0] not in ("rollback", "recover"):
        complain(KNOWN)
        return REFUSED
    if not os.environ.get("APPLIER_INSIDE"):
        complain("Not over SSH.")
        return REFUSED
    if words[0] == "rollback":
        from . import timer

        timer.run(words[1], int(words[2]))
    elif os.path.isdir(box.PENDING):
        return _recover()
    return 0


def _recover() -> int:
    from . import locks, rollback

    try:
        locks.lock()
        rollback.recover()
    except (Failed, OSError) as error:
        complain(f"What was never confirmed could not be put back yet: {error}")
        return 1
    return 0


def _version(digest: str) -> str:
    """The SHA-256 of this program: where it is installed, it was told."""
    return digest or _own_digest()


def _own_digest() -> str:
    import hashlib

    with open(sys.argv[0], "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()
