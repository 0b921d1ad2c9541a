"""Serializers that know the shape of a row and none of its rules: `save()` judges."""

from collections.abc import Collection
from typing import Any, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from rest_framework import serializers

from networks.common.api.bodies import Body, TextList
from networks.common.api.fields import Choice, CidrText, InetText, RelatedId, UtcTime
from networks.common.fields import CidrField, InetField
from networks.common.limits import most_of
from networks.common.validation import columns

Row = TypeVar("Row", bound=models.Model)

# DRF copies these limits from the model, with other sentences.
LIMITS = ("validators", "max_length", "min_length", "max_value", "min_value")


class RowSerializer(Body[Row], serializers.ModelSerializer[Row]):
    """A row as JSON, without DRF's own copies of the model's rules.

    Fields in `fixed` are set once, when the row is made.
    """

    serializer_related_field = RelatedId
    serializer_choice_field = Choice
    serializer_field_mapping = serializers.ModelSerializer.serializer_field_mapping | {
        CidrField: CidrText,
        InetField: InetText,
        models.DateTimeField: UtcTime,
    }
    fixed: tuple[str, ...] = ("id",)

    class Meta:
        validators: list[Any] = []

    def build_standard_field(
        self, field_name: str, model_field: "models.Field[Any, Any]"
    ) -> tuple[type, dict[str, Any]]:
        if isinstance(model_field, ArrayField):
            item, limits = self.build_standard_field(field_name, model_field.base_field)
            kwargs: dict[str, Any] = {
                "child": item(**limits),
                "required": not model_field.has_default(),
                "max_length": most_of(model_field),
            }
            return TextList, kwargs
        field, kwargs = super().build_standard_field(field_name, model_field)
        for limit in LIMITS:
            kwargs.pop(limit, None)
        if issubclass(field, serializers.CharField) and not kwargs.get("read_only"):
            kwargs["allow_blank"] = True
        return field, kwargs

    def build_relational_field(
        self, field_name: str, relation_info: Any
    ) -> tuple[type, dict[str, Any]]:
        field, kwargs = super().build_relational_field(field_name, relation_info)
        kwargs.pop("validators", None)
        return field, kwargs

    def update(self, instance: Row, validated_data: dict[str, Any]) -> Row:
        return change(instance, validated_data, self.fixed)

    def create(self, validated_data: dict[str, Any]) -> Row:
        row: Row = self.Meta.model(**validated_data)
        row.save(force_insert=True)
        return row


def change(row: Row, values: dict[str, Any], fixed: Collection[str] = ("id",)) -> Row:
    """Set these values, and write these columns alone: others may have been written meanwhile.

    Raises ValidationError if that changes a fixed field.
    """
    for field in fixed:
        if field in values and values[field] != getattr(row, field):
            reason = f"The {field} of {_a(row)} is fixed when it is made."
            raise ValidationError({field: ValidationError(reason, code="identity")})
    names = values.keys() - set(fixed)
    for name in names:
        setattr(row, name, values[name])
    row.save(update_fields=columns(row, names))
    return row


def _a(row: models.Model) -> str:
    kind = str(row._meta.verbose_name)
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
