"""Forms that judge the whole row: they refuse what `save()` would refuse, with its sentences."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.forms.formsets import DELETION_FIELD_NAME

from networks.common.validation import changed_since, values_of

EMPTY: tuple[object, ...] = (None, "", [], {})


class WholeRowForm(forms.ModelForm):  # type: ignore[type-arg]
    """Validate the whole row, not only the fields on show.

    Django would skip constraints that mention a field which is not on the form.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Have the page remember what it showed: so what a person changed can be told from that."""
        super().__init__(*args, **kwargs)
        self._stored = values_of(self.instance)
        if not self.instance._state.adding:
            for name, field in self.fields.items():
                field.show_hidden_initial = not self.is_bound or self._is_remembered(name)

    def _is_remembered(self, name: str) -> bool:
        """Whether what was sent says what the page had shown; a program's request may not."""
        shown = self.add_initial_prefix(name)
        return any(key.startswith(shown) for key in self.data)

    def _post_clean(self) -> None:
        """Leave alone what the person left alone; refuse all where others have changed something.

        As REST refuses a write whose If-Match names an older state.
        """
        self._refuse_if_stale()
        cleaned = self.cleaned_data
        if not self.instance._state.adding:
            self.cleaned_data = {name: cleaned[name] for name in cleaned.keys() & self.changed_data}
        super()._post_clean()  # type: ignore[misc] # Django's own hook for judging the row
        self.cleaned_data = {name: cleaned[name] for name in cleaned if name not in self.errors}

    def _refuse_if_stale(self) -> None:
        """Refuse where somebody has changed what the page had shown."""
        for name in self.fields:
            if self._is_remembered(name) and self._is_other_than_shown(name):
                now = self[name].initial
                reason = (
                    f"{str(self[name].label).capitalize()} was changed since this page was opened,"
                    f" and is {'empty' if now in EMPTY else now} now; open it again,"
                    " and decide anew."
                )
                self.add_error(None, ValidationError(reason, code="stale"))

    def _is_other_than_shown(self, name: str) -> bool:
        field = self.fields[name]
        if self.instance._state.adding or field.disabled:
            return False
        shown = field.hidden_widget().value_from_datadict(
            self.data, self.files, self.add_initial_prefix(name)
        )
        now = self[name].initial
        # A field may know no value like its own in a list of addresses, but it spells them alike.
        return field.has_changed(now, shown) and str(field.prepare_value(now)) != shown

    def changed_columns(self) -> set[str]:
        """The columns that a person changed, and those that follow from them."""
        return changed_since(self.instance, self._stored)

    def save(self, commit: bool = True) -> Any:
        """Write the columns that were changed, and no others."""
        if not commit or self.instance._state.adding:
            return super().save(commit)
        self.instance.save(update_fields=self.changed_columns())
        self._save_m2m()  # type: ignore[attr-defined] # as Django's own save() does
        return self.instance

    # Django offers no public way to say what is not validated.
    def _get_validation_exclusions(self) -> set[str]:
        return set(self.errors)

    def add_error(self, field: str | None, error: Any) -> None:
        """Put errors of fields that are not on show above the form."""
        by_field: dict[str | None, Any] = getattr(error, "error_dict", {field: error})
        for name, errors in by_field.items():
            super().add_error(name if name in self.fields else None, errors)


class AllocationForm(WholeRowForm):
    """A form that allocates instead of saving a row.

    It is valid if allocating works, which is done then: whoever finds it valid saves it.
    To try it, take it back and do it again would lock rows a second time that others wait for by
    now; PostgreSQL has them wait for the whole transaction, and nobody would come to an end.
    """

    user: Any = None  # who allocates

    def allocate(self) -> models.Model:
        """Allocate from the cleaned data. Raises ValidationError."""
        raise NotImplementedError

    # Where ModelForm would build a row and validate that; its own hook is not public.
    def _post_clean(self) -> None:
        if self.errors or self.cleaned_data.get(DELETION_FIELD_NAME):
            return
        try:
            with transaction.atomic():
                self.instance = self.allocate()
        except ValidationError as error:
            self.add_error(None, error)

    def save(self, commit: bool = True) -> Any:
        """What was allocated."""
        self.save_m2m = lambda: None  # type: ignore[method-assign]
        return self.instance


class Listed(forms.CharField):
    """Several values, separated by commas, blanks or lines."""

    def __init__(self, *, item: "models.Field[Any, Any]", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.item = item

    def to_python(self, value: Any) -> list[Any]:  # type: ignore[override]
        texts = re.split(r"[\s,]+", super().to_python(value) or "")
        return [self.item.to_python(text) for text in texts if text]
