"""Who is acting, by which way in, and why: known here, written by the database into the trail (see networks.recording).

It travels as a comment in front of every statement that changes rows. So it takes no query of its own, is right after a
savepoint was rolled back, and behind a pool of connections; and it cannot be forgotten by whoever writes a statement.
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
from django.db.backends.signals import connection_created

CHANGING = ("INSERT", "UPDATE", "DELETE", "WITH")
LONGEST_REASON, LONGEST_NAME = 400, 150

P = ParamSpec("P")
R = TypeVar("R")
Execute = Callable[[str, Any, bool, dict[str, Any]], Any]


class Actor(NamedTuple):
    """Who acts, by which way in (browser, api, token, admin, command, task), and in which request or run."""

    who: str
    via: str
    request: str = ""


_actor: ContextVar[Callable[[], Actor] | None] = ContextVar("actor", default=None)
_operation: ContextVar[str] = ContextVar("operation", default="")
_reason: ContextVar[str] = ContextVar("reason", default="")


@contextmanager
def acting(actor: Callable[[], Actor]) -> Iterator[None]:
    """What happens meanwhile is this actor's doing; asked when something is written, for only then it may be known."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


@contextmanager
def operation(sentence: str, reason: str = "") -> Iterator[None]:
    """What happens meanwhile is part of this. The outermost operation counts; a person's reason counts wherever it is given."""
    tokens = (_operation.set(_operation.get() or sentence), _reason.set(_reason.get() or reason))
    try:
        yield
    finally:
        _operation.reset(tokens[0])
        _reason.reset(tokens[1])


def audited_as(sentence: Callable[..., str]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Have the function's work told as one operation, in a sentence made from its arguments by name."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @wraps(function)
        def told(*args: P.args, **kwargs: P.kwargs) -> R:
            given = signature.bind(*args, **kwargs)
            with operation(sentence(given.arguments)):
                return function(*args, **kwargs)

        return told

    return decorate


def begin(actor: Actor) -> None:
    """As `acting`, where beginning and end are told apart: a worker's task, in a thread that others use after it."""
    _actor.set(lambda: actor)


def end() -> None:
    _actor.set(None)


def comment() -> str:
    """The present context as an SQL comment, in letters that cannot end it; nothing where nothing is known."""
    known = _actor.get()
    actor = known() if known else Actor("", "")
    said = {
        "who": actor.who[:LONGEST_NAME],
        "via": actor.via,
        "request": actor.request,
        "operation": _operation.get()[:LONGEST_REASON],
        "reason": _reason.get()[:LONGEST_REASON],
    }
    told = {name: value.replace("\0", "") for name, value in said.items() if value}
    return f"/*trail:{base64.b64encode(json.dumps(told).encode()).decode()}*/ " if told else ""


def sign(execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Put the context in front of a statement that changes rows."""
    if isinstance(sql, str) and sql.startswith(CHANGING):
        sql = comment() + sql
    return execute(sql, params, many, context)


def watch(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Sign what goes over a new connection."""
    if sign not in connection.execute_wrappers:
        connection.execute_wrappers.append(sign)


connection_created.connect(watch)
