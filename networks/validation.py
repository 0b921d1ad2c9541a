"""How a broken rule becomes an error on a field, the same one at every door: `Model.save()` is the door behind all doors."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, models, transaction

from networks.rules import Violation


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


def enforce(violations: Iterable[Violation]) -> None:
    """Raise every violation at once, each on its field."""
    if errors := _by_field(violations):
        raise ValidationError(errors)


def _by_field(violations: Iterable[Violation]) -> dict[str, list[ValidationError]]:
    errors: dict[str, list[ValidationError]] = {}
    for violation in violations:
        errors.setdefault(violation.field, []).append(ValidationError(violation.message, code=violation.code))
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
def said_of(what: str, field: str) -> Iterator[None]:
    """Report every error on one field, and say which of several things it is about: `said_of("Egress rule 2", "rules")`."""
    try:
        yield
    except ValidationError as error:
        found = [one for errors in error.error_dict.values() for one in errors]
        told = [ValidationError(f"{what}: {' '.join(one.messages)}", code=one.code) for one in found]
        raise ValidationError({field: told}) from error


class InUse(ValidationError):
    """What is in use is not removed (R15); names what is in the way."""

    def __init__(self, violations: Iterable[Violation]) -> None:
        super().__init__(_by_field(violations))


class ValidatedModel(models.Model):
    """A row that cannot be saved while it violates a rule."""

    class Meta:
        abstract = True

    def violations(self) -> Iterator[Violation]:
        """The rules that need more than this row: other rows, or its past."""
        yield from ()

    def removal_violations(self) -> Iterator[Violation]:
        """What is in the way of deleting this row, beyond foreign keys (R15)."""
        yield from ()

    def lock(self) -> None:
        """Lock the rows that violations() reads, so that two writers cannot both be right."""

    def clean(self) -> None:
        # clean() runs even when a field already failed: a rule cannot judge a row that lacks a relation.
        if not self._lacks_a_relation():
            enforce(self.violations())

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the row if it violates no rule. Raises ValidationError keyed by field."""
        try:
            with transaction.atomic():
                self.lock()
                self.full_clean()
                super().save(*args, **kwargs)
        except IntegrityError:
            self.full_clean()  # Lost a race: the winner's row now explains why.
            raise

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the row. Raises InUse, or ProtectedError of a foreign key, if anything uses it (R15)."""
        key = self.pk
        try:
            with transaction.atomic():
                self.lock()
                self._ask_removal()
                deleted = super().delete(*args, **kwargs)
                connection.check_constraints()  # Deferred foreign keys speak now, not at some later commit.
                return deleted
        except IntegrityError:
            self.pk = key  # Django forgets it once the row seems gone.
            self._ask_removal()  # Lost a race: the winner's row now explains why.
            raise

    def _ask_removal(self) -> None:
        if found := list(self.removal_violations()):
            raise InUse(found)

    @property
    def stored(self) -> "ValidatedModel | None":
        """This row as the database has it; None if it is new."""
        return None if self._state.adding else type(self)._default_manager.filter(pk=self.pk).first()

    def _lacks_a_relation(self) -> bool:
        for field in self._meta.concrete_fields:
            if not isinstance(field, models.ForeignKey) or (field.null and getattr(self, field.attname) is None):
                continue
            try:
                if getattr(self, field.name) is None:
                    return True
            except ObjectDoesNotExist:
                return True
        return False
