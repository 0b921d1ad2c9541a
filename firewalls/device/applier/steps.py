"""How the steps of a push are told: a line when one begins, and one with its output at the end."""

from __future__ import annotations

import binascii
import os

from . import box, remarks
from .remarks import Failed, Skipped, remark

TYPE_CHECKING = False  # the module typing would cost 9 ms at every start
if TYPE_CHECKING:
    from collections.abc import Callable

MOST_OUTPUT = 8000  # bytes of a step's output that are told


def say(*fields: str) -> None:
    """One line to whoever sends, who may be gone: the run goes on to its end all the same."""
    try:
        os.write(1, ("\t".join(fields) + "\n").encode(errors="surrogateescape"))
    except OSError:
        pass


def complain(sentence: str) -> None:
    """One line to whoever asked for what is refused."""
    try:
        os.write(2, f"{sentence}\n".encode(errors="surrogateescape"))
    except OSError:
        pass


def step(name: str, act: Callable[[], None]) -> bool:
    """Take a step and tell how it went; whether it went well."""
    say("step", name, "running", "")
    remarks.forget()
    if box.PRACTICE and box.SLOW != "0":
        from . import tools

        tools.run(["sleep", box.SLOW])
    state = _state(act)
    say("step", name, state, encoded(remarks.output()))
    return state != "failed"


def _state(act: Callable[[], None]) -> str:
    try:
        act()
        return "ok"
    except Skipped as reason:
        remark(str(reason))
        return "skipped"
    except OSError as error:
        remark(": ".join(filter(None, (error.strerror, error.filename))))
    except Failed as reason:
        remark(str(reason))
    except Exception as error:  # whatever it is, what was begun must be taken back
        remark(repr(error))
    return "failed"


def failed(name: str, sentence: str) -> None:
    """Tell that a step has failed, where nothing was run for it or it seemed to be well."""
    say("step", name, "failed", encoded(sentence))


def encoded(text: str) -> str:
    """The beginning of a text in base64, in one line."""
    start = text.encode(errors="surrogateescape")[:MOST_OUTPUT]
    return binascii.b2a_base64(start, newline=False).decode()
