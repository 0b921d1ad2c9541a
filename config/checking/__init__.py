"""The check of everything that is stored, against every rule, R1 to R16.

Rows are loaded table by table and checked by the same functions and constraints as when they are
saved, so the number of queries does not grow with them. What no row shows by itself (what was
shared once, what was taken off its machine) is read from the audit trail.
"""

from collections.abc import Iterator

from django.db import connection, transaction

from config.checking import (
    constraints,
    guards,
    history,
    kept_back,
    loading,
    machines,
    numbers,
    rows,
    space,
)
from config.checking.findings import Finding

__all__ = ["Finding", "check"]


def check() -> Iterator[Finding]:
    """Every violation there is, in one snapshot of the database."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:  # a transaction within another one, as in tests, sees what that one does
            _use_one_snapshot()
        yield from guards.missing()
        yield from constraints.violations()
        stored = loading.load()
        yield from stored.findings
        yield from rows.violations(stored)
        yield from machines.violations(stored)
        yield from history.violations(stored)
        yield from kept_back.violations(stored)
        yield from space.differences(stored)
        yield from numbers.differences(stored)


def _use_one_snapshot() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
