"""What befalls an applier under test from within: this runs in its process, before all else.

It is put at the end of the package's own `__init__`, in a traced copy.

APPLIER_TRACE   a file that takes the numbers of the ways that were gone
APPLIER_FAULTS  which calls fail, as JSON: `call` of the module os or pwd, whose words (its
                arguments, descriptors by their paths) are `like` a pattern, with an `error`;
                `times`, or always; and only once the file `when` is there
APPLIER_ALONE   every tool that is not in the PATH is gone
APPLIER_HURRY   long naps are short
"""

import errno
import fnmatch
import json
import os
import pwd
from collections.abc import Callable
from typing import Any

_open, _write, _close = os.open, os.write, os.close
_gone: set[int] = set()


def took(number: int) -> bool:
    """Note that a way was gone; once for each process, for another may be killed at any moment."""
    if number not in _gone:
        _gone.add(number)
        trace = _open(os.environ["APPLIER_TRACE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        _write(trace, b"%d\n" % number)
        _close(trace)
    return True


def _words(arguments: tuple[Any, ...]) -> str:
    return " ".join(str(_path(one)) if isinstance(one, int) else str(one) for one in arguments)


def _path(number: int) -> Any:
    """Of a descriptor; a number that is none stays one."""
    try:
        return os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        return number


def _counted(fault: dict[str, Any]) -> bool:
    """Whether it has failed often enough."""
    count = f"{os.environ['APPLIER_ROOT']}/failed-{fault['call']}"
    if not fault["times"]:
        return False
    if os.path.exists(count) and os.path.getsize(count) >= fault["times"]:
        return True
    file = _open(count, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    _write(file, b"x")
    _close(file)
    return False


def _failing(real: Callable[..., Any], fault: dict[str, Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        words = _words(arguments)
        ready = not fault["when"] or os.path.exists(os.environ["APPLIER_ROOT"] + fault["when"])
        if fnmatch.fnmatch(words, fault["like"]) and ready and not _counted(fault):
            if fault["error"] == "KeyError":
                raise KeyError(words)
            number = getattr(errno, fault["error"])
            raise OSError(number, os.strerror(number), words)
        return real(*arguments, **named)

    return call


def _play() -> None:
    from . import box, waiting  # type: ignore[attr-defined]

    # Whoever runs the tests is root, as far as the applier asks, and frr.
    if "APPLIER_NOT_ROOT" in os.environ:
        os.geteuid = lambda: 1000
    elif "APPLIER_AS_ROOT" in os.environ:
        os.geteuid = lambda: 0
    os.fchown = lambda *arguments: None
    mine = pwd.getpwuid(os.getuid())
    pwd.getpwnam = lambda name: mine
    for fault in json.loads(os.environ.get("APPLIER_FAULTS", "[]")):
        module = pwd if fault["call"] == "getpwnam" else os
        setattr(module, fault["call"], _failing(getattr(module, fault["call"]), fault))
    if "APPLIER_ALONE" in os.environ:
        box.MORE_PATH = ""
    if "APPLIER_HURRY" in os.environ:
        nap = waiting.sleep
        waiting.sleep = lambda seconds: nap(0 if seconds in (5, 20) else seconds)


_play()
