"""Rows into the database by COPY: the quickest way in that triggers and constraints still guard."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from django.db import connection, models

from networks.common.audit import comment

Row = TypeVar("Row", bound=models.Model)
T = TypeVar("T")
_NUMBERS = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"


def numbered(rows: Sequence[Row]) -> Sequence[Row]:
    """Give the rows ids of their table's sequence, so that others may refer to them already."""
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_NUMBERS, [rows[0]._meta.db_table, len(rows)])
            for row, (number,) in zip(rows, cursor.fetchall(), strict=True):
                row.pk = number
    return rows


def copy(rows: Sequence[models.Model]) -> None:
    """Write the rows, all of one model; signed for the audit trail, as other statements are."""
    if not rows:
        return
    options = rows[0]._meta
    fields = [
        field
        for field in options.concrete_fields
        if field.attname != "id" or rows[0].pk is not None
    ]
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"{comment()}COPY {options.db_table} ({columns}) FROM STDIN") as stream,
    ):
        for row in rows:
            stream.write_row([_stored(row, field) for field in fields])
    analyze(options.db_table)


def _stored(row: models.Model, field: "models.Field[Any, Any]") -> Any:
    value = getattr(row, field.attname)
    if value is None and getattr(field, "auto_now_add", False):
        value = field.pre_save(row, add=True)
    return field.get_db_prep_save(value, connection)


def analyze(table: str) -> None:
    """Let the planner know how large the table is now, for what follows in this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {table}")


def slices(items: Sequence[T], length: int) -> Iterator[Sequence[T]]:
    """So many at a time, in order."""
    for start in range(0, len(items), length):
        yield items[start : start + length]
