"""Broken rules as Django's ValidationError, each on its field."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Never

from django.core.exceptions import ValidationError
from django.db import models

from networks.common.violations import Violation, counted, named

ErrorsByField = dict[str, list[ValidationError]]


class InUse(ValidationError):
    """What is in use is not removed (R15); names what is in the way."""

    def __init__(self, violations: Iterable[Violation]) -> None:
        super().__init__(_by_field(violations))


def enforce(violations: Iterable[Violation]) -> None:
    """Raise every violation at once, each on its field."""
    if errors := _by_field(violations):
        raise ValidationError(errors)


def enforce_unused(violations: Iterable[Violation]) -> None:
    """Raise everything that is in the way of a removal as one InUse."""
    in_the_way = list(violations)
    if in_the_way:
        raise InUse(in_the_way)


def refuse(violation: Violation) -> Never:
    """Raise this violation on its field."""
    raise ValidationError(_by_field([violation]))


def _by_field(violations: Iterable[Violation]) -> ErrorsByField:
    errors: ErrorsByField = {}
    for violation in violations:
        error = ValidationError(violation.message, code=violation.code)
        errors.setdefault(violation.field, []).append(error)
    return errors


@contextmanager
def reported_on(**names: str) -> Iterator[None]:
    """Report errors on the fields that the caller knows: `reported_on(address="addresses")`."""
    try:
        yield
    except ValidationError as error:
        if not hasattr(error, "error_dict"):
            raise
        renamed: ErrorsByField = {}
        for field, errors in error.error_dict.items():
            renamed.setdefault(names.get(field, field), []).extend(errors)
        error.error_dict = renamed  # The same error: what is in use stays InUse.
        raise


@contextmanager
def reported_about(what: str, field: str) -> Iterator[None]:
    """Report every error on one field, and say which of several things it is about.

    `reported_about("Egress rule 2", "rules")`
    """
    try:
        yield
    except ValidationError as error:
        about_it = [
            ValidationError(f"{what}: {' '.join(one.messages)}", code=one.code)
            for errors in error.error_dict.values()
            for one in errors
        ]
        raise ValidationError({field: about_it}) from error


def still_used(rows: Iterable[models.Model]) -> str:
    """Which rows stand in the way of removing something, by their kind."""
    by_kind: dict[str, list[str]] = {}
    for row in rows:
        by_kind.setdefault(str(row._meta.verbose_name), []).append(str(row))
    users = [
        f"{counted(len(names), kind)} ({named(names)})" for kind, names in sorted(by_kind.items())
    ]
    return f"This is still in use by {'; '.join(users)}; remove that first (R15)."
