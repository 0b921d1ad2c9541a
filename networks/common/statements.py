"""Rows read by SQL that is written once.

The ORM writes a query's SQL anew each time, which for a row found by its key takes several times what the database does. What
every request asks is asked with these.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models

Row = TypeVar("Row", bound=models.Model)


def columns(model: type[models.Model]) -> str:
    """All columns of the model's table, for a SELECT whose rows `row` builds."""
    return ", ".join(
        f'"{model._meta.db_table}"."{field.column}"' for field in model._meta.concrete_fields
    )


def row(model: type[Row], values: Sequence[Any]) -> Row:
    """The row with these values of `columns`, as the ORM would build it."""
    found = list(values)
    for at, converter, expression in _converters(model):
        found[at] = converter(found[at], expression, connection)
    return model.from_db(DEFAULT_DB_ALIAS, _names(model), found)


class Statement(Generic[Row]):
    """The rows of a model, by what is written after FROM: `Statement(Prefix, "WHERE id = %s")`."""

    def __init__(self, model: type[Row], rest: str) -> None:
        self.model = model
        self.sql = f'SELECT {columns(model)} FROM "{model._meta.db_table}" {rest}'

    def rows(self, *values: Any) -> list[Row]:
        with connection.cursor() as cursor:
            cursor.execute(self.sql, values)
            return [row(self.model, found) for found in cursor.fetchall()]


@cache
def by_key(model: Any) -> Statement[Any]:
    """The row of a model with a primary key."""
    return Statement(model, f'WHERE "{model._meta.pk.column}" = %s')


@cache
def _names(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


@cache
def _converters(model: type[models.Model]) -> list[tuple[int, Callable[..., Any], Any]]:
    """What makes a value of the database one of Python, by the column's place; most columns need nothing."""
    found = []
    for at, field in enumerate(model._meta.concrete_fields):
        expression = field.cached_col
        for converter in (
            *connection.ops.get_db_converters(expression),
            *field.get_db_converters(connection),
        ):
            found.append((at, converter, expression))
    return found
