"""Rows read by SQL that is written once, for the queries of allocations.

The ORM composes the SQL of a query anew each time, which costs a web server more than all that
PostgreSQL's driver does about a row found by its key. Counted over the whole allocation of an
address (`POST /ip-addresses/`), in instructions of the web process: of 7.7 million in all, the ORM
would add 2.1 million (27 %) for finding its network and project, 1.2 million (16 %) for locking its
prefixes; `Manager.raw()` would add 1.3 million for the three. So these are read here, what a new
network refers to, rows that are locked (networks.common.locking), and the token of a request
(config.access.models); nothing else is. Only documented hooks are used: `Model.from_db` and
`Field.from_db_value`.

`Fixed` and `Keyed` are for what is asked often, and always the same but for some keys: the ORM
spells it, once in each process.
"""

from collections.abc import Callable, Sequence
from functools import cache, cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.expressions import RawSQL
from django.db.models.sql.compiler import SQLCompiler

_KEYS = object()  # stands where the keys go

Row = TypeVar("Row", bound=models.Model)


def columns(model: type[models.Model]) -> str:
    """All columns of the model's table, for a SELECT whose rows `row` builds."""
    table = model._meta.db_table
    return ", ".join(f'"{table}"."{field.column}"' for field in model._meta.concrete_fields)


def row(model: type[Row], values: Sequence[Any]) -> Row:
    """The row with these values of `columns`, as the ORM would build it."""
    converted = list(values)
    for place, field in _fields_with_converter(model):
        converted[place] = field.from_db_value(converted[place], None, connection)
    return model.from_db(DEFAULT_DB_ALIAS, _names(model), converted)


class Statement(Generic[Row]):
    """The rows of a model, by what is written after FROM: `Statement(Prefix, "WHERE id = %s")`."""

    def __init__(self, model: type[Row], rest: str) -> None:
        self.model = model
        self.sql = f'SELECT {columns(model)} FROM "{model._meta.db_table}" {rest}'

    def rows(self, *values: Any) -> list[Row]:
        with connection.cursor() as cursor:
            cursor.execute(self.sql, values)
            return [row(self.model, fetched) for fetched in cursor.fetchall()]


class Fixed:
    """The rows of a query of plain values that depends on nothing but what is stored.

    Spelling the firewalls in trouble, which every page counts, takes the ORM 7 ms of the processor,
    and PostgreSQL 1 ms to answer.
    """

    def __init__(self, query: "Callable[[], models.QuerySet[Any, Any]]") -> None:
        self._query = query

    @cached_property
    def _statement(self) -> tuple[str, tuple[Any, ...]]:
        return self._query().query.sql_with_params()

    def rows(self) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(*self._statement)
            return cursor.fetchall()


class Keyed:
    """The rows, as dicts of these names, of a query that depends on nothing but some keys.

    They are one array, so the SQL is the same for any number of them, and PostgreSQL plans it once.
    Spelling the facts of one firewall takes the ORM 10 ms of the processor; a preview asks for them
    seven times.
    """

    def __init__(
        self, query: "Callable[[Any], models.QuerySet[Any, Any]]", kind: str, *names: str
    ) -> None:
        self._query, self._kind, self._names = query, kind, names

    def rows(self, keys: Sequence[Any]) -> list[dict[str, Any]]:
        if not keys:
            return []
        compiler, sql, parameters = self._spelled
        values = [list(keys) if one is _KEYS else one for one in parameters]
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            fetched = cursor.fetchall()
        converted = compiler.apply_converters(fetched, self._converters)
        return [dict(zip(self._names, one, strict=True)) for one in converted]

    @cached_property
    def _spelled(self) -> tuple[SQLCompiler, str, tuple[Any, ...]]:
        keys = RawSQL(f"SELECT unnest(%s::{self._kind}[])", [_KEYS])
        query = self._query(keys).values_list(*self._names).query
        compiler = query.get_compiler(connection=connection)
        return compiler, *compiler.as_sql()

    @cached_property
    def _converters(self) -> Any:
        compiler = self._spelled[0]
        return compiler.get_converters([column for column, _, _ in compiler.select])


@cache
def by_key(model: Any) -> Statement[Any]:
    """The row of a model with a primary key."""
    return Statement(model, f'WHERE "{model._meta.pk.column}" = %s')


@cache
def _names(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


@cache
def _fields_with_converter(model: type[models.Model]) -> list[tuple[int, Any]]:
    """The fields whose values are not what psycopg gives, with their places; most need nothing."""
    return [
        (place, field)
        for place, field in enumerate(model._meta.concrete_fields)
        if hasattr(field, "from_db_value")
    ]
