"""Rows that cannot be saved or deleted while that breaks a rule."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import DEFAULT_DB_ALIAS, IntegrityError, models, transaction
from django.db.models.deletion import Collector

from networks.common.validation.refusals import enforce, enforce_unused
from networks.common.violations import Violation


class ValidatedModel(models.Model):
    """A row that cannot be saved while it violates a rule."""

    _relations_may_be_gone = False

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

    def refused_violations(self) -> Iterator[Violation]:
        """What triggers alone hold, and so is looked up only once the database has refused."""
        yield from ()

    def in_the_way(self, constraint: str) -> str:
        """The sentence of a constraint that this row breaks, with what is in its way; or nothing.

        Without it, the constraint's own is said.
        """
        return ""

    def removal_violations(self) -> Iterator[Violation]:
        """What is in the way of deleting this row, beyond foreign keys (R15)."""
        yield from ()

    def lock(self) -> None:
        """Lock the rows that violations() reads, so that two writers cannot both be right."""

    def clean_fields(self, exclude: Any = None) -> None:
        """Check each field, but not once more whether rows exist that this one refers to.

        Rows that were fetched already are there. Should one go away meanwhile, its foreign key
        refuses, and save() checks again. That spares the allocation of an address two queries of
        the ORM: 27 % of the web process's instructions.
        """
        fetched = set()
        if not self._relations_may_be_gone:
            for field in self.relations():
                if field.is_cached(self) and getattr(self, field.name) is not None:
                    fetched.add(field.name)
        super().clean_fields(exclude={*(exclude or ()), *fetched})

    def clean(self) -> None:
        # clean() runs even if a field has failed: no rule can judge a row that lacks a relation.
        if not self._lacks_a_relation():
            enforce(self.violations())

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the row if it violates no rule. Raises ValidationError keyed by field.

        Constraints are checked by the database alone; only when it has refused are they checked
        here as well, for their sentences.
        """
        if self._state.adding:
            # A new row never becomes a change of the one that has its key.
            kwargs["force_insert"] = True
        try:
            self._save(*args, **kwargs)
        except IntegrityError:
            self._explain_refusal()
            self._save(*args, **kwargs)  # What was in the way is gone again.

    def _save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            self.lock()
            before = values_of(self)
            self._validate()
            if kwargs.get("update_fields") is not None:  # what follows from them is written too
                kwargs["update_fields"] = {*kwargs["update_fields"], *changed_since(self, before)}
            super().save(*args, **kwargs)

    def _validate(self) -> None:
        try:
            self.clean_fields()
            self.clean()
        except ValidationError:
            self.full_clean()  # For a complete answer: what the constraints refuse as well.
            raise

    def _explain_refusal(self) -> None:
        """Say as a ValidationError what the database has refused.

        A constraint explains it, or the row of whoever won a race, which may be one that this row
        refers to: so those are read again.
        """
        self._relations_may_be_gone = True
        # Only Django's own refresh_from_db() drops cached rows otherwise, with the changes as well.
        for field in self.relations():
            if field.is_cached(self):
                field.delete_cached_value(self)
        try:
            self.full_clean()
        finally:
            self._relations_may_be_gone = False
        enforce(self.refused_violations())

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the row.

        Raises InUse if a rule is in the way (R15), ProtectedError if a foreign key is.
        """
        key = self.pk
        try:
            with transaction.atomic():
                self.lock()
                enforce_unused(self.removal_violations())
                return super().delete(*args, **kwargs)
        except ValidationError:  # of a law too, which is judged once the row seems gone
            self.pk = key
            raise
        except IntegrityError as error:
            self.pk = key  # Django forgets it once the row seems gone.
            self.refresh_from_db()
            enforce_unused(self.removal_violations())  # Lost a race: the winner's row explains it.
            collector = Collector(using=DEFAULT_DB_ALIAS, origin=self)
            collector.collect([self])  # Raises ProtectedError, if that is what it was.
            raise error

    @property
    def stored(self) -> "ValidatedModel | None":
        """This row as the database has it; None if it is new."""
        if self._state.adding:
            return None
        return type(self)._default_manager.filter(pk=self.pk).first()

    def relations(self) -> list["models.ForeignKey[Any, Any]"]:
        """The columns that refer to other rows."""
        fields = self._meta.concrete_fields
        return [field for field in fields if isinstance(field, models.ForeignKey)]

    def _lacks_a_relation(self) -> bool:
        """Whether a row that must be there is missing: not named at all, or not found."""
        for field in self.relations():
            if field.null and getattr(self, field.attname) is None:
                continue
            try:
                if getattr(self, field.name) is None:
                    return True
            except ObjectDoesNotExist:
                return True
        return False


def columns(row: models.Model, names: Collection[str]) -> set[str]:
    """Those of the names that are columns of the row: what `save(update_fields=…)` takes."""
    fields = [field for field in row._meta.concrete_fields if not field.primary_key]
    return {field.name for field in fields if field.name in names or field.attname in names}


def values_of(row: models.Model) -> dict[str, Any]:
    """The values of its columns, by name."""
    fields = [field for field in row._meta.concrete_fields if not field.primary_key]
    return {field.name: getattr(row, field.attname) for field in fields}


def changed_since(row: models.Model, before: Mapping[str, Any]) -> set[str]:
    """The columns whose values are others than before: what `save(update_fields=…)` takes."""
    return {name for name, value in values_of(row).items() if before[name] != value}
