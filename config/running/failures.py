"""Why a request was not done, in words for people and a code for programs."""

import errno
from collections.abc import Iterator
from http import HTTPStatus
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db import Error, InterfaceError, OperationalError

from networks.common.locking import DEADLOCK, NOT_SERIALIZABLE


class Failure(NamedTuple):
    """An answer: its status, a code for programs, and for people a heading and sentences."""

    status: int
    code: str
    heading: str
    message: str


UNKNOWN = Failure(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "error",
    "Something went wrong",
    "The error was written to the log."
    " Look first what was done, then try again, or tell an admin when it happened.",
)
_BUSY = Failure(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "busy",
    "Others were quicker",
    "Others were changing the same at that moment, so nothing of this was done. Try again.",
)
_FULL = Failure(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "disk_full",
    "There is no room on the disk",
    "The disk is full, so nothing can be changed, and nothing of this was done."
    " Tell an admin; what is stored can still be read.",
)
_CHANGED = Failure(
    HTTPStatus.CONFLICT,
    "conflict",
    "This has changed meanwhile",
    "What this refers to was changed or removed at that moment, so nothing of it was done."
    " Look at it again.",
)
_READ = Failure(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "read_only",
    "Nothing can be changed now",
    "The database can only be read at the moment, so nothing of this was done. Try again later.",
)
_RESOURCES = Failure(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "overloaded",
    "The database is overloaded",
    "The database lacks connections or memory, so nothing of this was done. Try again later.",
)
_AWAY = Failure(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "database_away",
    "The database does not answer",
    "The database does not answer at the moment. Try again in some seconds.",
)
# PostgreSQL's codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
# Two characters are a whole class: what is lacking, and what rows refuse.
_BY_STATE = {
    DEADLOCK: _BUSY,
    NOT_SERIALIZABLE: _BUSY,
    "55P03": _BUSY,  # a lock was waited for too long
    "57014": _BUSY,  # the statement took too long
    "53100": _FULL,
    "53": _RESOURCES,
    "25006": _READ,
    "23": _CHANGED,
}
_LOOK_FIRST = " If you were changing something, look first whether that was done."


def failure_of(error: BaseException | None, *, safe: bool) -> Failure:
    """What the error means to whoever asked; `safe`: nothing was to be changed."""
    for one in _chain(error):
        if isinstance(one, ValidationError):
            return _CHANGED._replace(message=" ".join(one.messages))
        if isinstance(one, OSError) and one.errno == errno.ENOSPC:
            return _FULL
        if isinstance(one, Error):
            return _of_database(one, safe=safe)
    return UNKNOWN


def _of_database(error: Error, *, safe: bool) -> Failure:
    state = getattr(error.__cause__, "sqlstate", None) or ""
    known = _BY_STATE.get(state) or _BY_STATE.get(state[:2])
    if known is not None or not isinstance(error, OperationalError | InterfaceError):
        return known or UNKNOWN
    return _AWAY if safe else _AWAY._replace(message=_AWAY.message + _LOOK_FIRST)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__
