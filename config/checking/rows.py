"""Whether each row by itself keeps the rules, as it is checked when it is saved."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from config.checking.findings import Finding, field_findings, finding, rule_findings
from config.checking.loading import Stored
from networks.common.validation import ValidatedModel


def violations(stored: Stored) -> Iterator[Finding]:
    """What is wrong with single rows."""
    for row in stored.complete:
        yield from _field_violations(row)
        yield from rule_findings(row, row.standing_violations())


def _field_violations(row: ValidatedModel) -> Iterator[Finding]:
    before = _values(row)
    relations = {relation.name for relation in row.relations()}
    try:
        row.clean_fields(exclude=relations)
    except ValidationError as error:
        yield from field_findings(row, error)
    for name, value in _values(row).items():  # saving corrects some values by itself
        if before[name] != value:
            corrected = f"It is {before[name]!r}, where saving the row would make it {value!r}."
            yield finding(row, f"{name}: {corrected}")


def _values(row: models.Model) -> dict[str, Any]:
    columns = [column.attname for column in row._meta.concrete_fields]
    return {name: row.__dict__[name] for name in columns}
