"""Lists: pages, order, and exact filters on what a row shows."""

from typing import TYPE_CHECKING, Any, Never

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.filters import OrderingFilter
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request

from networks.common.fields import CidrField, InetField
from networks.common.violations import LONGEST_QUOTED, no_such

if TYPE_CHECKING:
    from rest_framework.views import APIView

UUID = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
MOST_DIGITS = 18
NONE = "null"  # `?machine=null`: rows without one


class Pages(LimitOffsetPagination):
    """`?limit=&offset=`; a limit beyond the largest counts as the largest."""

    default_limit = 50
    max_limit = 1000

    def get_limit(self, request: Request) -> int:
        """How many rows a page has. Raises ValidationError."""
        asked = _whole_number(request, self.limit_query_param, self.default_limit)
        if asked == 0:
            _refuse_number(self.limit_query_param, "0", f"from 1 to {self.max_limit}")
        return min(asked, self.max_limit)

    def get_offset(self, request: Request) -> int:
        """How many rows come before the page. Raises ValidationError."""
        return _whole_number(request, self.offset_query_param, 0)

    def get_schema_operation_parameters(self, view: "APIView") -> list[dict[str, Any]]:
        parameters = super().get_schema_operation_parameters(view)
        lowest = {self.limit_query_param: 1, self.offset_query_param: 0}
        for parameter in parameters:
            parameter["schema"]["minimum"] = lowest[parameter["name"]]
        return parameters


def _whole_number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        _refuse_number(name, text, f"of at most {MOST_DIGITS} digits")
    return int(text)


def _refuse_number(name: str, text: str, which: str) -> Never:
    reason = f"{text[:LONGEST_QUOTED]!r} is no {name}; give a whole number {which}."
    raise serializers.ValidationError({name: reason}, f"invalid_{name}")


class Ordering(OrderingFilter):
    """`?ordering=name,-vrf`; then by id, so that pages never overlap."""

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: "APIView") -> list[str]:
        columns: dict[str, str] = getattr(view, "ordering_fields", {})
        text = request.query_params.get(self.ordering_param, "").strip()
        terms = [term.strip() for term in text.split(",")] if text else []
        self._refuse_twice(terms)
        ordering = [self._column(term, columns) for term in terms]
        return [*(ordering or queryset.model._meta.ordering or ()), "pk"]

    def _refuse_twice(self, terms: list[str]) -> None:
        names = [term.removeprefix("-") for term in terms]
        for name in names:
            if names.count(name) > 1:
                self._refuse(f"{name!r} is given twice; rows are ordered by it once.")

    def _column(self, term: str, columns: dict[str, str]) -> str:
        """`-vrf` as the ORM takes it. Raises ValidationError."""
        name = term.removeprefix("-")
        if name not in columns:
            self._refuse(no_such("column to order by", name, {word: word for word in columns}))
        mark = "-" if term.startswith("-") else ""
        return mark + columns[name]

    def _refuse(self, reason: str) -> Never:
        error = serializers.ErrorDetail(reason, "invalid_ordering")
        raise serializers.ValidationError({self.ordering_param: error})

    def get_schema_operation_parameters(self, view: "APIView") -> list[dict[str, Any]]:
        names = ", ".join(sorted(getattr(view, "ordering_fields", {})))
        description = f"Order by these, separated by commas, with - descending: {names}."
        parameters = super().get_schema_operation_parameters(view)
        return [parameter | {"description": description} for parameter in parameters]


class ParsedFormField(forms.CharField):
    """What a model field can read, from a URL."""

    def __init__(self, *args: Any, model_field: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.model_field = model_field

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return self.model_field.to_python(text)
        except ValidationError as error:
            # As a parameter: django-filter takes every message for a format, and this one quotes.
            words = {"reason": error.message}
            raise ValidationError("%(reason)s", code=error.code, params=words) from error


@extend_schema_field({"type": "string", "minLength": 1})
class Exact(django_filters.Filter):
    """Equal to a text."""

    field_class: type[forms.CharField] = forms.CharField


class OrNone(Exact):
    """Equal to a text, number or UUID; `null` finds the rows without one."""

    field_class = forms.RegexField

    def __init__(self, *args: Any, regex: str = ".*", **kwargs: Any) -> None:
        super().__init__(*args, regex=rf"\A(?:{NONE}|{regex})\Z", **kwargs)

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        if value == NONE:
            return qs.filter(**{f"{self.field_name}__isnull": True})
        return super().filter(qs, value)


@extend_schema_field(OpenApiTypes.INT)
class Integer(django_filters.Filter):
    """Equal to a number; one that no row can have finds none."""

    field_class = forms.IntegerField


class Uuid(django_filters.Filter):
    field_class = forms.UUIDField


class Time(django_filters.Filter):
    field_class = forms.DateTimeField


@extend_schema_field(OpenApiTypes.BOOL)
class YesNo(django_filters.ChoiceFilter):
    """`true` or `false`, and nothing that could be mistaken for one of them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, choices=[("true", "true"), ("false", "false")], **kwargs)

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        return qs.filter(**{f"{self.field_name}__exact": value == "true"}) if value else qs


@extend_schema_field(OpenApiTypes.STR)
class Cidr(django_filters.Filter):
    """A prefix."""

    field_class = ParsedFormField
    model_field: "models.Field[Any, Any]" = CidrField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, model_field=self.model_field, **kwargs)


class Inet(Cidr):
    """An address."""

    model_field = InetField()


class Among(Exact):
    """A text among those of a column."""

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        return qs.filter(**{f"{self.field_name}__contains": [value]}) if value else qs


class CidrAmong(Cidr):
    """A prefix among those of a column."""

    filter = Among.filter


class InetAmong(Inet):
    """An address among those of a column."""

    filter = Among.filter


class Label(Exact):
    """`?labels=tier=storage`, or `?labels=tier` for rows that have the label at all."""

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        key, equals, text = (value or "").partition("=")
        if not key:
            return qs
        if equals:
            return qs.filter(**{f"{self.field_name}__contains": {key: text}})
        return qs.filter(**{f"{self.field_name}__has_key": key})
