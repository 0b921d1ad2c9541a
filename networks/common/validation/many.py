"""Many new rows at once, each judged as if it were saved by itself."""

from collections.abc import Sequence
from typing import TypeVar

from networks.common.validation.models import ValidatedModel

Row = TypeVar("Row", bound=ValidatedModel)
AT_ONCE = 500  # rows a statement


def save_new(rows: Sequence[Row]) -> None:
    """Save new rows of one model in a few statements, each judged by its fields and rules.

    For whoever has locked what these rules read, and has fetched what the rows refer to: then no
    row takes a query of its own. No signal is sent. Raises ValidationError for the first row that a
    rule refuses, and IntegrityError where the database refuses one, which does not say which.
    """
    for row in rows:
        row.clean_fields()
        row.clean()
    if rows:
        type(rows[0])._default_manager.bulk_create(rows, batch_size=AT_ONCE)
