"""What the models' constraints and foreign keys say, asked of whole tables: by the constraints' own conditions."""

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
    found = [model for app in OURS for model in apps.get_app_config(app).get_models()]
    return [model for model in found if not model._meta.proxy]


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
    alike = {
        f"{_column(one)}__{_LOOKUPS[operator]}": _column(one)
        for one, operator in constraint.expressions
    }
    return _having_another(rows, constraint.condition, alike)


def _column(expression: Any) -> str:
    """A column's name, also out of the wrapper that names its operator class."""
    return getattr(expression, "name", "") or expression.source_expressions[0].name


def _having_another(
    rows: QuerySet[Any], condition: Q | None, alike: dict[str, str]
) -> QuerySet[Any]:
    """The rows beside which there is another one that is alike: the lookups map to this row's columns."""
    among = rows.filter(condition) if condition else rows
    others = among.exclude(pk=OuterRef("pk")).filter(
        **{lookup: OuterRef(name) for lookup, name in alike.items()}
    )
    return among.filter(Exists(others))


def _dangling(model: type[models.Model], field: "models.ForeignKey[Any, Any]") -> Iterator[Finding]:
    target = field.remote_field.model._base_manager.filter(pk=OuterRef(field.attname))
    for row in model._base_manager.filter(~Exists(target), **{f"{field.attname}__isnull": False}):
        sentence = (
            f"Its {field.name} {getattr(row, field.attname)} is gone, although it was in use (R15)."
        )
        try:
            yield finding(row, sentence)
        except ObjectDoesNotExist:  # it is called after what is gone
            yield Finding(str(model._meta.verbose_name), str(row.pk), sentence)
