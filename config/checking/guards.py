"""Whether the database still enforces the rules itself: no trigger or constraint is missing."""

from collections.abc import Iterator

import pgtrigger
from django.db import connection

from config.checking.constraints import product_models
from config.checking.findings import Finding

_CURE = "The database no longer enforces its rule; put it back, as manage.py sqlmigrate shows it."
_TRIGGERS = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
_CONSTRAINTS = """
SELECT conname FROM pg_constraint WHERE convalidated
UNION SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indisvalid
"""


def missing() -> Iterator[Finding]:
    """What was dropped or switched off, so that raw SQL may break the rule that it enforces."""
    yield from _missing_triggers()
    yield from _missing_constraints()


def _missing_triggers() -> Iterator[Finding]:
    enabled = _names(_TRIGGERS)
    for model, trigger in pgtrigger.registered():
        if trigger.get_pgid(model) not in enabled:
            label = f"{trigger.name} of {model._meta.db_table}"
            yield Finding("trigger", label, f"It is missing or switched off. {_CURE}")


def _missing_constraints() -> Iterator[Finding]:
    valid = _names(_CONSTRAINTS)
    for model in product_models():
        for constraint in model._meta.constraints:
            if constraint.name not in valid:
                label = f"{constraint.name} of {model._meta.db_table}"
                yield Finding("constraint", label, f"It is missing or not valid. {_CURE}")


def _names(query: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {name for (name,) in cursor.fetchall()}
