"""Whether all rows satisfy the models' constraints and foreign keys, a query for each."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.postgres.constraints import ExclusionConstraint
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.db.models import BooleanField, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from config.checking.findings import Finding, finding

APPS = ("networks", "machines", "firewalls", "config")  # the lower ones first
_LOOKUPS = {"&&": "net_overlaps", "=": "exact"}  # by operator of an exclusion constraint


def product_models() -> list[type[models.Model]]:
    """The model of every table of the product, those of the lower apps first."""
    tables: list[type[models.Model]] = []
    for app in APPS:
        of_app = apps.get_app_config(app).get_models()
        tables += [model for model in of_app if not model._meta.proxy]
    return tables


def violations() -> Iterator[Finding]:
    """Every row that a constraint forbids, and every row that refers to one that is gone (R15)."""
    for model in product_models():
        for constraint in model._meta.constraints:
            for row in _forbidden(model, constraint):
                yield finding(row, str(constraint.get_violation_error_message()))
        for field in model._meta.concrete_fields:
            if isinstance(field, models.ForeignKey):
                yield from _dangling(model, field)


def _forbidden(model: type[models.Model], constraint: models.BaseConstraint) -> QuerySet[Any]:
    """The rows that the constraint forbids, by its own condition."""
    rows = model._base_manager.all()
    if isinstance(constraint, models.CheckConstraint):
        # As in SQL, a condition that is neither true nor false is no violation.
        holds = Coalesce(constraint.condition, True, output_field=BooleanField())
        return rows.filter(~Q(holds))
    if isinstance(constraint, models.UniqueConstraint):
        columns = constraint.fields or [_column(one) for one in constraint.expressions]
        same = {column: column for column in columns}
        return _having_another(rows, constraint.condition, same)
    assert isinstance(constraint, ExclusionConstraint)
    conflicting: dict[str, str] = {}
    for expression, operator in constraint.expressions:
        column = _column(expression)
        conflicting[f"{column}__{_LOOKUPS[operator]}"] = column
    return _having_another(rows, constraint.condition, conflicting)


def _column(expression: Any) -> str:
    """A column's name, also out of the wrapper that names its operator class."""
    return getattr(expression, "name", "") or expression.source_expressions[0].name


def _having_another(
    rows: QuerySet[Any], condition: Q | None, columns: dict[str, str]
) -> QuerySet[Any]:
    """The rows for which another row matches: by lookup, the column of this row to compare with."""
    candidates = rows.filter(condition) if condition else rows
    matches = {lookup: OuterRef(column) for lookup, column in columns.items()}
    others = candidates.exclude(pk=OuterRef("pk")).filter(**matches)
    return candidates.filter(Exists(others))


def _dangling(model: type[models.Model], field: "models.ForeignKey[Any, Any]") -> Iterator[Finding]:
    """The rows whose foreign key refers to a row that is gone."""
    target = field.remote_field.model._base_manager.filter(pk=OuterRef(field.attname))
    referring = model._base_manager.filter(**{f"{field.attname}__isnull": False})
    for row in referring.filter(~Exists(target)):
        key = getattr(row, field.attname)
        sentence = f"Its {field.name} {key} is gone, although it was in use (R15)."
        try:
            yield finding(row, sentence)
        except ObjectDoesNotExist:  # its label contains the name of what is gone
            yield Finding(str(model._meta.verbose_name), str(row.pk), sentence)
