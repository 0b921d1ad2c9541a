"""Errors as rules raise them, for what only an import can get wrong."""

from django.core.exceptions import ValidationError


def refusal(field: str, code: str, message: str) -> ValidationError:
    """The error that a rule raises on a field."""
    return ValidationError({field: ValidationError(message, code=code)})
