"""Rows into the database by COPY: the quickest way in that triggers and constraints still guard."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from django.db import connection, models

from networks.common.audit import comment

Row = TypeVar("Row", bound=models.Model)
T = TypeVar("T")
_NEXT_IDS = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"


def with_ids(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows with ids of their table's sequence, so that others may refer to them already."""
    if not rows:
        return rows
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_IDS, [rows[0]._meta.db_table, len(rows)])
        for row, (id,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = id
    return rows


def copy(rows: Sequence[models.Model]) -> None:
    """Write the rows, all of one model, with the audit trail's comment as on any statement."""
    if not rows:
        return
    table = rows[0]._meta.db_table
    fields = _fields(rows[0])
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    statement = f"{comment()}COPY {table} ({columns}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as stream:
        for row in rows:
            stream.write_row([_stored(row, field) for field in fields])
    analyze(table)


def _fields(row: models.Model) -> list["models.Field[Any, Any]"]:
    """The columns to write; the database numbers rows that have no id, and has some defaults."""
    fields = [field for field in row._meta.concrete_fields if not field.has_db_default()]
    if row.pk is not None:
        return fields
    return [field for field in fields if field.attname != "id"]


def _stored(row: models.Model, field: "models.Field[Any, Any]") -> Any:
    value = getattr(row, field.attname)
    if value is None and getattr(field, "auto_now_add", False):
        value = field.pre_save(row, add=True)
    return field.get_db_prep_save(value, connection)


def analyze(table: str) -> None:
    """Tell the planner how large the table is now, for what follows in this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {table}")


def slices(items: Sequence[T], length: int) -> Iterator[Sequence[T]]:
    """So many items at a time, in order."""
    for start in range(0, len(items), length):
        yield items[start : start + length]
