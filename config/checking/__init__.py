"""The check of everything: does all that is stored keep every rule, R1 to R16?

Rows are loaded table by table and judged by the same functions and constraints that judge them when they are saved, so the number
of queries does not grow with them. What no row shows by itself (what was shared once, what was let go of) the trail remembers.
"""

from collections.abc import Iterator

from django.db import connection, transaction

from config.checking import constraints, guards, history, rows, space
from config.checking.findings import Finding

__all__ = ["Finding", "check"]


def check() -> Iterator[Finding]:
    """Every violation there is, all of them seen in one snapshot of the database."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:  # a transaction within another one, as in tests, sees what that one does
            _one_snapshot()
        yield from guards.missing()
        yield from constraints.violated()
        stored = rows.load()
        yield from stored.findings
        yield from rows.judged(stored)
        yield from rows.judged_together(stored)
        yield from history.contradicted(stored)
        yield from space.differing(stored)


def _one_snapshot() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
