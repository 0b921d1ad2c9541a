"""The check of everything: whether all that is stored keeps every rule, R1 to R16.

Rows are loaded table by table, so the number of queries does not grow with them, and are judged by
the functions and constraints that judge them when they are saved. What no row shows by itself (that
it was shared once, or released) is in the audit trail.
"""

from collections.abc import Iterator

from django.db import connection, transaction

from config.checking import constraints, guards, history, rows, space
from config.checking.findings import Finding
from config.checking.loading import load

__all__ = ["Finding", "check"]


def check() -> Iterator[Finding]:
    """Every violation there is, all in one snapshot of the database."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:  # a transaction within another one, as in tests, sees what that one sees
            _use_one_snapshot()
        yield from guards.missing()
        yield from constraints.violated()
        stored = load()
        yield from stored.findings
        yield from rows.wrong_by_themselves(stored)
        yield from rows.wrong_together(stored)
        yield from history.contradicted(stored)
        yield from space.differing(stored)


def _use_one_snapshot() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
