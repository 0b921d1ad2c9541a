"""How values are written in JSON; what they may be, the models judge."""

from datetime import UTC
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from networks.common import waves
from networks.common.fields import CidrField, InetField
from networks.common.statements import by_key

IPV6 = 6


class _Parsed(serializers.Field[Any, Any, Any, Any]):
    """A value that a model field reads; its sentence is the error."""

    model_field: "models.Field[Any, Any]"

    def to_internal_value(self, data: object) -> Any:
        try:
            value = self.model_field.to_python(data) if isinstance(data, str) else None
        except ValidationError as error:
            raise serializers.ValidationError(error.message, code=error.code) from error
        if value is None:
            raise serializers.ValidationError("A text is expected here.", code="invalid")
        return value

    def to_representation(self, value: object) -> str:
        return str(value)


@extend_schema_field({"type": "string", "examples": ["10.128.0.0/22", "2001:db8::/64"]})
class CidrText(_Parsed):
    """A prefix as text."""

    model_field = CidrField()


@extend_schema_field({"type": "string", "examples": ["10.128.0.7", "2001:db8::7"]})
class InetText(_Parsed):
    """An address as text."""

    model_field = InetField()


@extend_schema_field({"type": "array", "items": {}, "examples": [[1, "10%", "rest"]]})
class WaveSizes(serializers.Field[Any, Any, Any, Any]):
    """Sizes of waves as a list, as rollouts have them."""

    def to_internal_value(self, data: Any) -> str:
        if problem := waves.problem(data):
            raise serializers.ValidationError(problem, code="invalid_waves")
        return waves.written(data)

    def to_representation(self, value: str) -> list[waves.Wave]:
        return waves.read(value)


class RelatedId(serializers.PrimaryKeyRelatedField[Any]):
    """Another row by its id."""

    def to_internal_value(self, data: Any) -> Any:
        # PostgreSQL refuses some characters altogether; no id has them.
        if isinstance(data, str) and not data.isprintable():
            self.fail("does_not_exist", pk_value=ascii(data))
        return self.find(data)

    def find(self, data: Any) -> Any:
        """The row with this id."""
        return super().to_internal_value(data)

    def fail(self, key: str, **kwargs: Any) -> Any:
        if key == "does_not_exist":
            rows = self.get_queryset()
            assert rows is not None  # a field that can be written to has them
            kind = rows.model._meta.verbose_name
            raise serializers.ValidationError(f"There is no {kind} {kwargs['pk_value']}.", code=key)
        return super().fail(key, **kwargs)


class RelatedIdByStatement(RelatedId):
    """Another row by its id, which is a text, read as networks.common.statements does."""

    def find(self, data: Any) -> Any:
        if not isinstance(data, str):
            return super().find(data)
        field: Any = self  # mypy takes a manager for the descriptor that gives it
        for row in by_key(field.queryset.model).rows(data):
            return row
        return self.fail("does_not_exist", pk_value=data)


class Choice(serializers.ChoiceField):
    """One of a few words in the schema; a wrong one is refused by the model, with its sentence."""

    def to_internal_value(self, data: Any) -> Any:
        return data if isinstance(data, str) else super().to_internal_value(data)


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class Labels(serializers.JSONField):
    """A flat object of texts."""


class UtcTime(serializers.DateTimeField):
    """A time in RFC 3339, in UTC whatever the server's time zone."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=UTC, **kwargs)
