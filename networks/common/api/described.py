"""What the OpenAPI schema says beyond DRF: headers, errors, and the limits that models have."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.core.validators import RegexValidator
from django.db import models
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

Schema = dict[str, Any]
READING = "GET"
DETAIL: Schema = {
    "type": "object",
    "description": "Who asks, or what they ask for, is refused as a whole.",
    "properties": {"detail": {"type": "string"}},
    "required": ["detail"],
}
ERROR: Schema = {
    "type": "object",
    "properties": {
        "message": {"type": "string"},
        "code": {"type": "string"},
        "at": {"type": "string", "description": "Which item of the field's list, as 1.network."},
    },
    "required": ["message", "code"],
    "additionalProperties": False,
}
REFUSAL: Schema = {
    "type": "object",
    "description": "What is wrong, by field; `non_field_errors` where no single one is at fault.",
    "additionalProperties": {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Error"},
        "minItems": 1,
    },
    "minProperties": 1,
}
COMPONENTS = {"Detail": DETAIL, "Error": ERROR, "Refusal": REFUSAL}

ALWAYS = {
    400: ("Refusal", "Not understood, or against a rule."),
    401: ("Detail", "Without a valid token or session."),
    403: ("Detail", "The role does not allow it."),
    404: ("Detail", "There is no such row, or no such format."),
    406: ("Detail", "It cannot be answered in a format of the Accept header."),
    429: ("Detail", "Refused too often from this address."),
    500: ("Refusal", "An error of the product; it is in the log."),
    503: ("Refusal", "The database is away, full or busy."),
}
IN_THE_WAY = {409: ("Refusal", "Something is in the way.")}
OF_WRITES = {
    409: ("Refusal", "In use, in the way, changed meanwhile, or an Idempotency-Key used before."),
    413: ("Refusal", "The body is too large."),
    415: ("Detail", "The body is no JSON."),
}
STALE = {412: ("Refusal", "It is not what If-Match names any more.")}

TEXT: Schema = {"type": "string"}
ETAG = {"description": "What was read, for If-Match and If-None-Match.", "schema": TEXT}
LATER = {"Retry-After": {"description": "In so many seconds.", "schema": {"type": "integer"}}}
HEADERS: dict[int, Schema] = {
    401: {"WWW-Authenticate": {"description": "How to do better.", "schema": TEXT}},
    429: LATER,
    503: LATER,
}
REPLAYED = {"description": "The first answer, once more.", "schema": {"const": "true"}}


def _header(name: str, description: str, limit: int = 0) -> OpenApiParameter:
    schema = TEXT | {"maxLength": limit} if limit else TEXT
    return OpenApiParameter(name, schema, OpenApiParameter.HEADER, description=description)


IF_NONE_MATCH = _header("If-None-Match", "An ETag: answered 304 if nothing has changed since.")
IF_MATCH = _header("If-Match", "An ETag: refused with 412 if it was changed since.")
KEY = _header("Idempotency-Key", "Done once and answered alike for 24 hours.", limit=255)


# JSON schema's own format of a time wants an offset from UTC, and these are of a place.
CLOCK: Schema = {
    "type": "string",
    "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$",
    "examples": ["22:30:00"],
}


class Described(AutoSchema):
    """A view's operation, with all that it may answer."""

    def get_override_parameters(self) -> list[Any]:
        own = super().get_override_parameters()
        if self.method == READING:
            return [*own, IF_NONE_MATCH]
        return [*own, KEY, IF_MATCH] if self.is_about_a_row() else [*own, KEY]

    def is_about_a_row(self) -> bool:
        """Whether the operation writes to what its path names, and so looks at If-Match."""
        return "{" in self.path

    def is_about_an_effect(self) -> bool:
        """Whether it tries what it shows the effect of, and is refused as doing it would be."""
        return self.get_operation_id().endswith("_effect")

    def _get_response_bodies(self, direction: Any = "response") -> Schema:
        responses: Schema = super()._get_response_bodies(direction)
        for answer in responses.values():
            answer["description"] = answer["description"] or "Done."  # OpenAPI asks for a text
            answer["headers"] = self._headers() | answer.get("headers", {})
        if self.method == READING:
            responses["304"] = {"description": "Nothing has changed.", "headers": self._headers()}
        for code, (component, description) in self._errors().items():
            responses[str(code)] = _refused(code, component, description)
        return responses

    def _headers(self) -> Schema:
        if self.method == READING:
            return {"ETag": ETAG | {"required": True}}
        replayed = {"Idempotency-Replayed": REPLAYED}
        return replayed if self.method == "DELETE" else {"ETag": ETAG} | replayed

    def _errors(self) -> dict[int, tuple[str, str]]:
        if self.method == READING:
            return ALWAYS | (IN_THE_WAY if self.is_about_an_effect() else {})
        return ALWAYS | OF_WRITES | (STALE if self.is_about_a_row() else {})

    def _map_serializer_field(
        self, field: Any, direction: Any, bypass_extensions: bool = False
    ) -> Schema:
        above: Any = super()  # which is not typed
        schema: Schema = above._map_serializer_field(field, direction, bypass_extensions)
        if isinstance(field, serializers.TimeField):
            return CLOCK
        if direction != "request" or not schema or schema.get("type") not in ("string", "integer"):
            return schema
        return schema | dict(_limits(_column(field)))

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Schema:
        above: Any = super()
        schema: Schema = above._map_basic_serializer(serializer, direction)
        if direction == "request":
            properties = {
                name: _without_blank(field, serializer.fields[name])
                for name, field in schema.get("properties", {}).items()
            }
            return schema | {"properties": properties} | _closed(serializer)
        # What is shown is shown always, but for what a serializer says that it may leave out.
        left_out = getattr(serializer, "left_out", ())
        shown = sorted(name for name in schema.get("properties", {}) if name not in left_out)
        return schema | ({"required": shown} if shown else {})


def _refused(code: int, component: str, description: str) -> Schema:
    schema = {"$ref": f"#/components/schemas/{component}"}
    answer: Schema = {
        "description": f"{HTTPStatus(code).phrase}. {description}",
        "content": {"application/json": {"schema": schema}},
    }
    return answer | ({"headers": HEADERS[code]} if code in HEADERS else {})


def _closed(serializer: Any) -> Schema:
    """That it takes no other keys, where it refuses them: see networks.common.api.bodies."""
    return {"additionalProperties": False} if hasattr(type(serializer), "settable") else {}


BLANK = {"type": "string", "maxLength": 0}


def _without_blank(schema: Schema, field: Any) -> Schema:
    """Without the choice of an empty text, which the model is left to refuse, with its sentence.

    An id that is left empty is made from the name.
    """
    column = _column(field)
    choices = schema.get("oneOf", ())
    if column is None or column.blank or column.primary_key or BLANK not in choices:
        return schema
    others = {word: value for word, value in schema.items() if word != "oneOf"}
    return others | choices[0]


def _column(field: serializers.Field[Any, Any, Any, Any]) -> "models.Field[Any, Any] | None":
    """The model's field that a serializer's field writes to; None if it is no single one."""
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    *way, name = (field.source or "").split(".")
    try:
        for step in way:
            model = model._meta.get_field(step).related_model if model else None
        column = model._meta.get_field(name) if model else None
    except FieldDoesNotExist:
        return None
    return column if isinstance(column, models.Field) else None


def _limits(column: "models.Field[Any, Any] | None") -> Iterator[tuple[str, Any]]:
    """JSON schema's words for what the column refuses."""
    if isinstance(column, models.CharField | models.TextField) and not column.choices:
        yield from _limits_of_text(column)
    elif isinstance(column, models.IntegerField):
        limits: list[Any] = [*column.validators]
        for word, limit, strictest in (
            ("minimum", "min_value", max),
            ("maximum", "max_value", min),
        ):
            values = [one.limit_value for one in limits if getattr(one, "code", "") == limit]
            if values:
                yield word, strictest(values)


def _limits_of_text(column: "models.Field[Any, Any]") -> Iterator[tuple[str, Any]]:
    if column.max_length:
        yield "maxLength", column.max_length
    if not column.blank:
        yield "minLength", 1
    for validator in column.validators:
        if isinstance(validator, RegexValidator) and not validator.inverse_match:
            regex: Any = validator.regex
            yield "pattern", regex.pattern.replace(r"\A", "^").replace(r"\Z", "$")


def complete(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """Spectacular's last step: the shapes of errors and pages, and no two ways to say one thing."""
    schemas = result["components"]["schemas"]
    schemas |= COMPONENTS
    for operation in _operations(result):
        for parameter in operation.get("parameters", ()):
            if parameter["name"] in LEAST:
                parameter["schema"] |= {"minimum": LEAST[parameter["name"]]}
    for name, schema in schemas.items():
        if name.startswith("Paginated"):
            schema["properties"] |= {"next": _PAGE, "previous": _PAGE}
            schema["required"] = sorted(schema["properties"])
    return result


def _operations(result: Schema) -> Iterator[Schema]:
    for path in result["paths"].values():
        yield from path.values()


LEAST = {"limit": 1, "offset": 0}
_PAGE = {"type": ["string", "null"], "format": "uri", "description": "Null where there is none."}
