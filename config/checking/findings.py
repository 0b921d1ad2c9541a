"""What the check reports: each violation with the object that it is about."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db import models

from networks.common.violations import Violation


class Finding(NamedTuple):
    """One violation: the kind of object, what it is called, and the sentence of the rule."""

    kind: str
    label: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.kind} {self.label}: {self.sentence}"


def finding(row: models.Model, sentence: str) -> Finding:
    return Finding(str(row._meta.verbose_name), str(row), sentence)


def rule_findings(row: models.Model, violations: Iterable[Violation]) -> Iterator[Finding]:
    """A finding for each rule that the row violates."""
    for violation in violations:
        yield finding(row, violation.message)


def field_findings(row: models.Model, error: ValidationError) -> Iterator[Finding]:
    """A finding for each error of the row's fields."""
    for field, errors in error.error_dict.items():
        for one in errors:
            yield finding(row, f"{field}: {' '.join(one.messages)}")
