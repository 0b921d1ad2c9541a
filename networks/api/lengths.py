"""Prefix lengths by address family, as REST writes and filters them."""

from collections.abc import Mapping
from typing import Any, cast

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from networks.rules import child_lengths

MAX_IPV4_LENGTH, MAX_IPV6_LENGTH = 32, 128


BY_FAMILY = {
    "type": "object",
    "properties": {
        "4": {"type": "integer", "minimum": 1, "maximum": MAX_IPV4_LENGTH},
        "6": {"type": "integer", "minimum": 1, "maximum": MAX_IPV6_LENGTH},
    },
    "additionalProperties": False,
    "examples": [{"4": 22, "6": 64}],
}
ALONE = {"type": "integer", "minimum": 1, "maximum": MAX_IPV6_LENGTH}


@extend_schema_field(BY_FAMILY)
class ChildLengths(serializers.JSONField):
    """The lengths of a super network's children by address family; the model judges them."""


@extend_schema_field({"oneOf": [BY_FAMILY, ALONE]})
class Lengths(serializers.Field[Any, Any, Any, Any]):
    """Prefix lengths by address family.

    One number alone is IPv4's, or IPv6's if it is too long for IPv4.
    """

    def to_internal_value(self, data: object) -> dict[int, int]:
        if type(data) is int:
            data = {"6" if data > MAX_IPV4_LENGTH else "4": data}
        for violation in child_lengths(data):
            raise serializers.ValidationError(violation.message, code=violation.code)
        lengths = cast(Mapping[str, int], data)
        return {int(family): length for family, length in lengths.items()}

    def to_representation(self, value: Mapping[int, int]) -> dict[str, int]:
        return {str(family): length for family, length in value.items()}


class LengthsField(forms.JSONField):
    """What a network can have: PostgreSQL takes no NaN, which Python reads as JSON."""

    def clean(self, value: Any) -> Any:
        lengths = super().clean(value)
        for violation in child_lengths(lengths) if lengths is not None else ():
            raise ValidationError(violation.message, code=violation.code)
        return lengths


@extend_schema_field(OpenApiTypes.STR)
class LengthsFilter(django_filters.Filter):
    """An object of prefix lengths, in JSON."""

    field_class = LengthsField
