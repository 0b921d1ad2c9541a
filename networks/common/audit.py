"""Who is acting, by which way in, and why: known here, written into the audit trail by triggers.

It travels as a comment in front of every statement that changes rows. So it takes no query of its
own, is right after a savepoint was rolled back and behind a pool of connections, and cannot be
forgotten by whoever writes a statement. The database reads it in `networks_context()`; the triggers
are `networks.common.triggers.Recorded`.
"""

import base64
import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

from django.db.backends.base.base import BaseDatabaseWrapper

CHANGING = ("INSERT", "UPDATE", "DELETE", "WITH")
LONGEST_REASON, LONGEST_NAME = 400, 150

P = ParamSpec("P")
R = TypeVar("R")
Execute = Callable[[str, Any, bool, dict[str, Any]], Any]


class Actor(NamedTuple):
    """Who acts, and in which request or run.

    `via` is the way in: browser, api, token, admin, command or task.
    """

    who: str
    via: str
    request: str = ""


_actor: ContextVar[Callable[[], Actor] | None] = ContextVar("actor", default=None)
_operation: ContextVar[str] = ContextVar("operation", default="")
_reason: ContextVar[str] = ContextVar("reason", default="")


@contextmanager
def acting(actor: Callable[[], Actor]) -> Iterator[None]:
    """What happens meanwhile is this actor's doing.

    It is called when something is written, for only then it may be known who acts.
    """
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


@contextmanager
def operation(sentence: str, reason: str = "") -> Iterator[None]:
    """What happens meanwhile is part of this operation.

    Of nested operations the outermost one counts; the first reason counts, wherever it stands.
    """
    outer_operation = _operation.set(_operation.get() or sentence)
    outer_reason = _reason.set(_reason.get() or reason)
    try:
        yield
    finally:
        _operation.reset(outer_operation)
        _reason.reset(outer_reason)


def audited_as(sentence: Callable[..., str]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make the function's work one operation of the audit trail.

    Its sentence is made from a mapping of the function's arguments by name.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @wraps(function)
        def audited(*args: P.args, **kwargs: P.kwargs) -> R:
            # What goes into **fields is meant by its own name as well.
            arguments = {**signature.bind(*args, **kwargs).arguments, **kwargs}
            with operation(sentence(arguments)):
                return function(*args, **kwargs)

        return audited

    return decorate


def begin(actor: Actor) -> None:
    """As `acting`, where beginning and end are two calls: for a worker's task.

    Its thread has other tasks afterwards, hence `end`.
    """
    _actor.set(lambda: actor)


def end() -> None:
    """Forget who was acting."""
    _actor.set(None)


def comment() -> str:
    """The present context as an SQL comment, in letters that cannot end it; empty without one."""
    current_actor = _actor.get()
    actor = current_actor() if current_actor else Actor("", "")
    fields = {
        "who": actor.who[:LONGEST_NAME],
        "via": actor.via,
        "request": actor.request,
        "operation": _operation.get()[:LONGEST_REASON],
        "reason": _reason.get()[:LONGEST_REASON],
    }
    # PostgreSQL takes no NUL in a text.
    context = {name: value.replace("\0", "") for name, value in fields.items() if value}
    if not context:
        return ""
    return f"/*trail:{base64.b64encode(json.dumps(context).encode()).decode()}*/ "


def sign(execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Put the context in front of a statement that changes rows."""
    if isinstance(sql, str) and sql.startswith(CHANGING):
        sql = comment() + sql
    return execute(sql, params, many, context)


def watch(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Sign what goes over a new connection; the app connects this to the signal of new ones."""
    if sign not in connection.execute_wrappers:
        connection.execute_wrappers.append(sign)
