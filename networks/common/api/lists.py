"""Lists: pages, order, and exact filters on what a row shows."""

from typing import TYPE_CHECKING, Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.filters import OrderingFilter
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request

from networks.common.fields import CidrField, InetField

if TYPE_CHECKING:
    from rest_framework.views import APIView

UUID = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
NONE = "null"  # `?machine=null`: rows without one


class Pages(LimitOffsetPagination):
    """`?limit=&offset=`; a limit beyond the largest counts as the largest."""

    default_limit = 50
    max_limit = 1000


class Ordering(OrderingFilter):
    """`?ordering=name,-vrf`; then by id, so that pages never overlap."""

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: "APIView") -> list[str]:
        columns: dict[str, str] = getattr(view, "ordering_fields", {})
        ordering: list[str] = []
        for text in request.query_params.get(self.ordering_param, "").split(","):
            term = text.strip()
            if term:
                ordering.append(self._column(term, columns))
        return [*(ordering or queryset.model._meta.ordering or ()), "pk"]

    def _column(self, term: str, columns: dict[str, str]) -> str:
        """`-vrf` as the ORM takes it. Raises ValidationError."""
        name = term.removeprefix("-")
        if name not in columns:
            reason = f"{term!r} is nothing to order by; choose from {', '.join(sorted(columns))}."
            raise serializers.ValidationError(
                {self.ordering_param: serializers.ErrorDetail(reason, "invalid_ordering")}
            )
        mark = "-" if term.startswith("-") else ""
        return mark + columns[name]

    def get_schema_operation_parameters(self, view: "APIView") -> list[dict[str, Any]]:
        names = ", ".join(sorted(getattr(view, "ordering_fields", {})))
        description = f"Order by these, separated by commas, with - descending: {names}."
        parameters = super().get_schema_operation_parameters(view)
        return [parameter | {"description": description} for parameter in parameters]


class Filters(DjangoFilterBackend):
    """Exact filters; a mistyped one is refused, for it must not answer with everything."""

    EVERYWHERE = frozenset({"limit", "offset", "ordering", "search", "format"})

    def filter_queryset(
        self, request: HttpRequest, queryset: QuerySet[Any], view: "APIView"
    ) -> QuerySet[Any]:
        filters = getattr(self.get_filterset_class(view, queryset), "base_filters", {})
        for name in request.GET.keys() - filters.keys() - self.EVERYWHERE:
            reason = f"There is no filter {name!r} here; there are {', '.join(sorted(filters))}."
            raise serializers.ValidationError(
                {name: serializers.ErrorDetail(reason, "unknown_filter")}
            )
        return super().filter_queryset(request, queryset, view)


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


@extend_schema_field(OpenApiTypes.STR)
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
