"""Whether the database still holds the rules: every trigger and constraint is there and on."""

from collections.abc import Iterator

import pgtrigger
from django.db import connection

from config.checking.constraints import models_of_ours
from config.checking.findings import Finding

_CURE = (
    "The database does not hold its rule any more; put it back, as manage.py sqlmigrate shows it."
)
_TRIGGERS = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
_CONSTRAINTS = """
SELECT conname FROM pg_constraint WHERE convalidated
UNION SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indisvalid
"""


def missing() -> Iterator[Finding]:
    """What was dropped or switched off, so that raw SQL may break the rule that it holds."""
    active = _names(_TRIGGERS)
    for model, trigger in pgtrigger.registered():
        if trigger.get_pgid(model) not in active:
            label = f"{trigger.name} of {model._meta.db_table}"
            yield Finding("trigger", label, f"It is missing or switched off. {_CURE}")
    active = _names(_CONSTRAINTS)
    for table in models_of_ours():
        for constraint in table._meta.constraints:
            if constraint.name not in active:
                label = f"{constraint.name} of {table._meta.db_table}"
                yield Finding("constraint", label, f"It is missing or not valid. {_CURE}")


def _names(query: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {name for (name,) in cursor.fetchall()}
