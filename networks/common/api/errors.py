"""Every refusal in one shape: `{"<field>": [{"message": "...", "code": "..."}]}`.

Items of a list report on the list's field and say in `at` which one:
`{"networks": [{"message": "...", "code": "...", "at": "1.network"}]}`.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Model, ProtectedError, RestrictedError
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from networks.common.validation import InUse, still_used

Refusal = dict[str, list[dict[str, str]]]
NO_FIELD = "non_field_errors"


class Conflict(exceptions.APIException):
    """The request cannot be met as things stand."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "Something else is in the way."
    default_code = "conflict"


class Stale(exceptions.APIException):
    """The row is not what the client read."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = "This has changed since it was read; read it again and decide anew."
    default_code = "stale"


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer with the common shape.

    400 for a broken rule, 409 for what is in use or in the way, 412 for a stale If-Match.
    """
    if isinstance(error, ProtectedError):
        return Response(_in_use(error.protected_objects), status.HTTP_409_CONFLICT)
    if isinstance(error, RestrictedError):
        return Response(_in_use(error.restricted_objects), status.HTTP_409_CONFLICT)
    if isinstance(error, ValidationError):
        in_use = isinstance(error, InUse)
        code = status.HTTP_409_CONFLICT if in_use else status.HTTP_400_BAD_REQUEST
        return Response(refusal(error), code)
    response = drf_exception_handler(error, context)
    if response is not None and isinstance(error, exceptions.ValidationError):
        response.data = flat(error.get_full_details())
    elif response is not None and isinstance(error, exceptions.ParseError | Conflict | Stale):
        response.data = flat([error.get_full_details()])
    return response


def refusal(error: ValidationError) -> Refusal:
    """A model's error in the common shape."""
    if hasattr(error, "error_dict"):
        by_field = error.error_dict
    else:
        by_field = {NON_FIELD_ERRORS: error.error_list}
    answer: Refusal = {}
    for field, errors in by_field.items():
        name = NO_FIELD if field == NON_FIELD_ERRORS else field
        for one in errors:
            answer.setdefault(name, []).append(_error(" ".join(one.messages), one.code))
    return answer


def flat(details: Any) -> Refusal:
    """DRF's nested error details in the common shape."""
    answer: Refusal = {}
    for path, leaf in _leaves(details):
        field, *inner = path or [NO_FIELD]
        error = _error(leaf["message"], leaf["code"])
        # An error of a whole item is that item's, not one of a field called non_field_errors.
        at = ".".join(step for step in inner if step != NO_FIELD)
        if at:
            error["at"] = at
        answer.setdefault(field, []).append(error)
    return answer


def _error(message: str, code: str | None) -> dict[str, str]:
    # A sentence may quote what was sent.
    return {"message": printable(str(message)), "code": str(code or "invalid")}


def printable(text: str) -> str:
    """What was sent, as it can be written in UTF-8."""
    return text.encode(errors="backslashreplace").decode()


Path = tuple[str, ...]


def _leaves(details: Any, path: Path = ()) -> Iterator[tuple[Path, dict[str, str]]]:
    """The single errors of nested details, each with the names and indexes that lead to it."""
    if _is_leaf(details) and isinstance(details["message"], str):
        yield path, details
    elif isinstance(details, dict):
        for key, inner in details.items():
            yield from _leaves(inner, (*path, str(key)))
    else:
        for index, inner in enumerate(details):
            yield from _leaves(inner, path if _is_leaf(inner) else (*path, str(index)))


def _is_leaf(details: Any) -> bool:
    return isinstance(details, dict) and set(details) == {"message", "code"}


def _in_use(rows: Iterable[Model]) -> Refusal:
    return {NO_FIELD: [{"message": still_used(rows), "code": "in_use"}]}
