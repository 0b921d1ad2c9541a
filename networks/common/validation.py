"""How a broken rule becomes an error on a field, the same one at every door: `Model.save()` is the door behind all doors."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, models, transaction
from django.db.models.deletion import Collector

from networks.common.violations import Violation, counted, named


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
            raise ValidationError({self.field: error}) from error

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        return path, args, kwargs | {"field": self.field}


class Check(OnField, models.CheckConstraint):
    """What one row can tell."""


class Unique(OnField, models.UniqueConstraint):
    """What no second row may have."""


class Exclusion(OnField, ExclusionConstraint):
    """What no second row may overlap."""


class ChoiceCheck(models.CheckConstraint):
    """What a field's choices say already, held by the database too."""

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: the field says it itself."""


def enforce(violations: Iterable[Violation]) -> None:
    """Raise every violation at once, each on its field."""
    if errors := _by_field(violations):
        raise ValidationError(errors)


def _by_field(violations: Iterable[Violation]) -> dict[str, list[ValidationError]]:
    errors: dict[str, list[ValidationError]] = {}
    for violation in violations:
        errors.setdefault(violation.field, []).append(
            ValidationError(violation.message, code=violation.code)
        )
    return errors


@contextmanager
def reported_on(**names: str) -> Iterator[None]:
    """Report errors on the fields the caller knows: `reported_on(address="addresses")`."""
    try:
        yield
    except ValidationError as error:
        if not hasattr(error, "error_dict"):
            raise
        renamed: dict[str, list[ValidationError]] = {}
        for field, errors in error.error_dict.items():
            renamed.setdefault(names.get(field, field), []).extend(errors)
        error.error_dict = renamed  # The same error: what is in use stays InUse.
        raise


@contextmanager
def reported_about(what: str, field: str) -> Iterator[None]:
    """Report every error on one field, and say which of several things it is about: `said_of("Egress rule 2", "rules")`."""
    try:
        yield
    except ValidationError as error:
        found = [one for errors in error.error_dict.values() for one in errors]
        told = [
            ValidationError(f"{what}: {' '.join(one.messages)}", code=one.code) for one in found
        ]
        raise ValidationError({field: told}) from error


def still_used(rows: Iterable[models.Model]) -> str:
    """Which rows stand in the way of removing something, by their kind."""
    kinds: dict[str, list[str]] = {}
    for row in rows:
        kinds.setdefault(str(row._meta.verbose_name), []).append(str(row))
    found = "; ".join(
        f"{counted(len(names), kind)} ({named(names)})" for kind, names in sorted(kinds.items())
    )
    return f"This is still in use by {found}; remove that first (R15)."


class InUse(ValidationError):
    """What is in use is not removed (R15); names what is in the way."""

    def __init__(self, violations: Iterable[Violation]) -> None:
        super().__init__(_by_field(violations))


class ValidatedModel(models.Model):
    """A row that cannot be saved while it violates a rule."""

    _doubted = False

    class Meta:
        abstract = True

    def violations(self) -> Iterator[Violation]:
        """The rules that need more than this row: other rows, or its past."""
        yield from self.standing_violations()
        if (before := self.stored) is not None:
            yield from self.change_violations(before)

    def standing_violations(self) -> Iterator[Violation]:
        """What is always true of the row among others."""
        yield from ()

    def change_violations(self, before: models.Model) -> Iterator[Violation]:
        """What is true of every change of the row."""
        yield from ()

    def removal_violations(self) -> Iterator[Violation]:
        """What is in the way of deleting this row, beyond foreign keys (R15)."""
        yield from ()

    def lock(self) -> None:
        """Lock the rows that violations() reads, so that two writers cannot both be right."""

    def clean_fields(self, exclude: Any = None) -> None:
        # The rows that a new row was given are there; if they went away meanwhile, the database says so, and is asked again.
        given = {
            field.name for field in self.relations() if field.is_cached(self) and not self._doubted
        }
        super().clean_fields(
            exclude={*(exclude or ()), *(name for name in given if getattr(self, name) is not None)}
        )

    def clean(self) -> None:
        # clean() runs even when a field already failed: a rule cannot judge a row that lacks a relation.
        if not self._lacks_a_relation():
            enforce(self.violations())

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the row if it violates no rule. Raises ValidationError keyed by field.

        What constraints say the database checks by itself; it is asked for in words only once it has refused.
        """
        if self._state.adding:
            kwargs["force_insert"] = (
                True  # a new row never becomes a change of the one that has its key
            )
        try:
            self._save(*args, **kwargs)
        except IntegrityError:
            self._ask_again()
            self._save(*args, **kwargs)  # What was in the way is gone again.

    def _save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            self.lock()
            self._ask_rules()
            super().save(*args, **kwargs)

    def _ask_rules(self) -> None:
        try:
            self.clean_fields()
            self.clean()
        except ValidationError:
            self.full_clean()  # The answer is whole: it says what the constraints refuse as well.
            raise

    def _ask_again(self) -> None:
        """The database has refused: a constraint, or the row of whoever won a race, be it one that this refers to, explains why."""
        self._doubted = True
        for field in self.relations():
            if field.is_cached(self):
                field.delete_cached_value(self)
        try:
            self.full_clean()
        finally:
            self._doubted = False

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the row. Raises InUse, or ProtectedError of a foreign key, if anything uses it (R15)."""
        key = self.pk
        try:
            with transaction.atomic():
                self.lock()
                self._ask_removal()
                return super().delete(*args, **kwargs)
        except IntegrityError as error:
            self.pk = key  # Django forgets it once the row seems gone.
            self.refresh_from_db()
            self._ask_removal()  # Lost a race: the winner's row now explains why.
            collector = Collector(using=DEFAULT_DB_ALIAS, origin=self)
            collector.collect([self])  # Raises ProtectedError, if that is what it was.
            raise error

    def _ask_removal(self) -> None:
        if found := list(self.removal_violations()):
            raise InUse(found)

    @property
    def stored(self) -> "ValidatedModel | None":
        """This row as the database has it; None if it is new."""
        return (
            None if self._state.adding else type(self)._default_manager.filter(pk=self.pk).first()
        )

    def relations(self) -> list["models.ForeignKey[Any, Any]"]:
        """The columns that refer to other rows."""
        return [
            field for field in self._meta.concrete_fields if isinstance(field, models.ForeignKey)
        ]

    def _lacks_a_relation(self) -> bool:
        for field in self.relations():
            if field.null and getattr(self, field.attname) is None:
                continue
            try:
                if getattr(self, field.name) is None:
                    return True
            except ObjectDoesNotExist:
                return True
        return False


_AT_ONCE = """
DO $$ DECLARE found record; BEGIN
    FOR found IN
        SELECT relname, conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
        WHERE contype = 'f' AND condeferred AND connamespace = current_schema()::regnamespace
        AND split_part(relname, '_', 1) = ANY (ARRAY[{apps}])
    LOOP
        EXECUTE format('ALTER TABLE %I ALTER CONSTRAINT %I DEFERRABLE INITIALLY IMMEDIATE', found.relname, found.conname);
    END LOOP;
END $$
"""


def check_references_at_once(**kwargs: Any) -> None:
    """Have the database check foreign keys at each statement, not at the commit, where nobody could say what went wrong.

    Django makes them deferred, so this follows every migration.
    """
    ours = ", ".join(f"'{label}'" for label in ("networks", "machines", "firewalls", "config"))
    with connection.cursor() as cursor:
        cursor.execute(_AT_ONCE.format(apps=ours))
