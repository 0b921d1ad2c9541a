"""What a change locks, and in which order: one order for the whole product, taken by one function.

Whoever locks rows of several tables takes them in the order of ORDER, and rows of one table in the
order of their keys; so nobody waits for each other in a circle, and no writer is ever chosen to be
the victim of a deadlock. `tests/test_lock_order.py` listens to every way to write, and fails where
rows are locked in another order or by another function.

- A machine stands for all that belongs to it. Attachments, rules, endpoints, drift and the like are
  written under the lock of their firewall, so their own locks never have to wait.
- A firewall is locked by whoever inserts a row that refers to it, such as a push, a revision or a
  member of a rollout. So it cannot go away meanwhile, and freeing it misses none of them.
- Free space belongs to its prefix. The prefixes of super networks come before those carved of them.
- Nothing waits for a worker: what workers claim is skipped where it is locked, and not waited for.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from django.db import OperationalError, connection, models, transaction

from networks.common.statements import Statement

Row = TypeVar("Row", bound=models.Model)
Result = TypeVar("Result")

# By app and model, for the apps above are not to be imported here.
ORDER = (
    "networks.partition",
    "networks.project",
    "firewalls.rollout",
    "machines.machine",
    "firewalls.firewall",
    "firewalls.endpoint",
    "firewalls.push",
    "firewalls.observation",
    "firewalls.sshaccess",
    "firewalls.jumpobservation",
    "networks.network",
    "networks.prefix",
    "networks.address",
    "firewalls.law",
)
DEADLOCK, NOT_SERIALIZABLE = "40P01", "40001"
ATTEMPTS = 4


class Strength(StrEnum):
    """What others may not do with a row meanwhile."""

    SHARE = "FOR SHARE"  # change it; they may rely on it as well
    CHANGE = "FOR NO KEY UPDATE"  # change it, or rely on it as it is
    REMOVE = "FOR UPDATE"  # refer to it either, in a row that they insert


def lock(
    model: type[Row],
    keys: Iterable[Any],
    *,
    by: str = "pk",
    strength: Strength = Strength.CHANGE,
) -> list[Row]:
    """Lock these rows until this transaction ends, and read them as they are then, by their keys.

    `by`: the column that the keys are of. Rows that are gone are left out.
    """
    return _reading(model, by, strength).rows(list(keys))


def lock_keys(
    model: type[models.Model],
    keys: Iterable[Any],
    *,
    by: str = "pk",
    strength: Strength = Strength.CHANGE,
) -> list[Any]:
    """As `lock`, for whoever needs to know no more than the primary keys of those that exist."""
    wanted = list(keys)
    if not wanted:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_selecting(model, by, strength), [wanted])
        return [key for (key,) in cursor.fetchall()]


@cache
def _reading(model: Any, by: str, strength: Strength) -> Statement[Any]:
    return Statement(model, _rest(model, by, strength))


@cache
def _selecting(model: type[models.Model], by: str, strength: Strength) -> str:
    table, key = model._meta.db_table, _column(model, "pk")
    return f'SELECT "{key}" FROM "{table}" {_rest(model, by, strength)}'


def _rest(model: type[models.Model], by: str, strength: Strength) -> str:
    """No joins, or the rows of another table would be locked as well; and always in one order."""
    if model._meta.label_lower not in ORDER:
        raise LookupError(f"{model._meta.label} has no place in the order of locks.")
    return f'WHERE "{_column(model, by)}" = ANY(%s) ORDER BY "{_column(model, "pk")}" {strength}'


def _column(model: type[models.Model], name: str) -> str:
    field: Any = model._meta.pk if name == "pk" else model._meta.get_field(name)
    column: str = field.column
    return column


def repeated_if_deadlocked(work: Callable[[], Result]) -> Result:
    """Do this in one transaction; once more, from the beginning, where that was a victim.

    The product itself causes no deadlock. Somebody's own SQL may.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            with transaction.atomic():
                return work()
        except OperationalError as error:
            if not is_victim(error):
                raise
    with transaction.atomic():
        return work()


def is_victim(error: BaseException | None) -> bool:
    """Whether PostgreSQL has ended the transaction in favour of another one."""
    return getattr(error and error.__cause__, "sqlstate", None) in (DEADLOCK, NOT_SERIALIZABLE)
