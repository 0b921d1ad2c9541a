"""What a door refused, in one shape."""

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import ProtectedError, RestrictedError

Refusal = dict[str, list[tuple[str, str]]]

IN_USE: Refusal = {"row": [("in_use", "")]}


def refused(action: Callable[[], object]) -> Refusal:
    """What the models and the allocation refuse."""
    try:
        action()
    except ValidationError as error:
        return by_field(error.error_dict)
    return {}


def removal_refused(action: Callable[[], object]) -> Refusal:
    """Whether removing a row is refused because it is in use: by a rule, or by a foreign key."""
    try:
        action()
    except (ProtectedError, RestrictedError):
        return IN_USE
    except ValidationError as error:
        assert {one.code for errors in error.error_dict.values() for one in errors} <= {
            "in_use",
            "primary",
            "underlay",
        }
        return IN_USE
    return {}


def by_field(errors: Mapping[str, Any]) -> Refusal:
    """Django's errors as a refusal."""
    return {
        field: [(error.code, " ".join(error.messages)) for error in of_field]
        for field, of_field in errors.items()
    }


def renamed(refusal: Refusal, **names: str) -> Refusal:
    """The refusal with the names that the models give to the fields."""
    return {names.get(field, field): errors for field, errors in refusal.items()}


def values(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Rows by their ids, and nothing for None: as they are sent."""
    return {
        name: getattr(value, "pk", value) for name, value in fields.items() if value is not None
    }
