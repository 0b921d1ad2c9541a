"""Rows that a constraint or foreign key forbids, found by the constraints' own conditions."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.postgres.constraints import ExclusionConstraint
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.db.models import BooleanField, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from config.checking.findings import Finding, finding

OURS = ("networks", "machines", "firewalls", "config")
_LOOKUPS = {"&&": "net_overlaps", "=": "exact"}


def models_of_ours() -> list[type[models.Model]]:
    """Every table of the product, the lower apps first."""
    models = [model for app in OURS for model in apps.get_app_config(app).get_models()]
    return [model for model in models if not model._meta.proxy]


def violated() -> Iterator[Finding]:
    """Every row that a constraint forbids, and every row that refers to one that is gone (R15)."""
    for model in models_of_ours():
        for constraint in model._meta.constraints:
            for row in _forbidden(model, constraint):
                yield finding(row, str(constraint.get_violation_error_message()))
        for field in model._meta.concrete_fields:
            if isinstance(field, models.ForeignKey):
                yield from _dangling(model, field)


def _forbidden(model: type[models.Model], constraint: models.BaseConstraint) -> QuerySet[Any]:
    rows = model._base_manager.all()
    if isinstance(constraint, models.CheckConstraint):  # as in SQL, what is unknown is no violation
        return rows.filter(~Q(Coalesce(constraint.condition, True, output_field=BooleanField())))
    if isinstance(constraint, models.UniqueConstraint):
        return _having_another(
            rows, constraint.condition, {field: field for field in constraint.fields}
        )
    assert isinstance(constraint, ExclusionConstraint)
    alike = {}
    for expression, operator in constraint.expressions:
        column = _column(expression)
        alike[f"{column}__{_LOOKUPS[operator]}"] = column
    return _having_another(rows, constraint.condition, alike)


def _column(expression: Any) -> str:
    """A column's name, also where it is wrapped to name its operator class (`OpClass`)."""
    return getattr(expression, "name", "") or expression.get_source_expressions()[0].name


def _having_another(
    rows: QuerySet[Any], condition: Q | None, alike: dict[str, str]
) -> QuerySet[Any]:
    """The rows beside which there is another one that is alike in these lookups, by column."""
    concerned = rows.filter(condition) if condition else rows
    likeness = {lookup: OuterRef(column) for lookup, column in alike.items()}
    others = concerned.exclude(pk=OuterRef("pk")).filter(**likeness)
    return concerned.filter(Exists(others))


def _dangling(model: type[models.Model], field: "models.ForeignKey[Any, Any]") -> Iterator[Finding]:
    target = field.remote_field.model._base_manager.filter(pk=OuterRef(field.attname))
    referring = model._base_manager.exclude(**{field.attname: None})
    for row in referring.filter(~Exists(target)):
        key = getattr(row, field.attname)
        sentence = f"Its {field.name} {key} is gone, although it was in use (R15)."
        try:
            yield finding(row, sentence)
        except ObjectDoesNotExist:  # it is called after what is gone
            yield Finding(str(model._meta.verbose_name), str(row.pk), sentence)
