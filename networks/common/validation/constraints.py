"""Constraints of the database that report on a field, and when it checks foreign keys."""

from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, connection, models


def _nothing(constraint: str) -> str:
    return ""


class OnField(models.BaseConstraint):
    """A constraint whose violation belongs to one field."""

    non_db_attrs = (*models.BaseConstraint.non_db_attrs, "field")

    def __init__(self, *, field: str, **kwargs: Any) -> None:
        self.field = field
        super().__init__(**kwargs)

    def validate(
        self,
        model: type[models.Model],
        instance: models.Model,
        exclude: Any = None,
        using: str = DEFAULT_DB_ALIAS,
    ) -> None:
        try:
            super().validate(model, instance, exclude, using)
        except ValidationError as error:
            raise ValidationError({self.field: self._named(instance, error)}) from error

    def _named(self, instance: models.Model, error: ValidationError) -> ValidationError:
        """The error with the sentence that names what is in the way, if the row knows one."""
        sentence = getattr(instance, "in_the_way", _nothing)(self.name)
        return ValidationError(sentence, code=error.code) if sentence else error

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        return path, args, kwargs | {"field": self.field}


class Check(OnField, models.CheckConstraint):
    """What one row can tell by itself."""


class Unique(OnField, models.UniqueConstraint):
    """What no second row may have."""


class Exclusion(OnField, ExclusionConstraint):
    """What no second row may overlap."""


class ChoiceCheck(models.CheckConstraint):
    """What a field's choices or validators say already, held by the database too."""

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: the field says it itself, with a better sentence."""


OUR_APPS = ("networks", "machines", "firewalls", "config")
# Django has no option for it, and ALTER takes no list: each constraint is altered by its name.
_CHECK_AT_EACH_STATEMENT = """
DO $$ DECLARE foreign_key record; BEGIN
    FOR foreign_key IN
        SELECT relname, conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
        WHERE contype = 'f' AND condeferred AND connamespace = current_schema()::regnamespace
        AND split_part(relname, '_', 1) = ANY (ARRAY[{apps}])
    LOOP
        EXECUTE format(
            'ALTER TABLE %I ALTER CONSTRAINT %I DEFERRABLE INITIALLY IMMEDIATE',
            foreign_key.relname, foreign_key.conname
        );
    END LOOP;
END $$
"""


def check_references_at_once(**kwargs: Any) -> None:
    """Have the database check foreign keys at each statement, not at the commit.

    At the commit nobody could say any more which request went wrong. Django makes foreign keys
    deferred, so this follows every migration.
    """
    apps = ", ".join(f"'{label}'" for label in OUR_APPS)
    with connection.cursor() as cursor:
        cursor.execute(_CHECK_AT_EACH_STATEMENT.format(apps=apps))
