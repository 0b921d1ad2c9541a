"""Forms judge the whole row, so that they refuse what `save()` would refuse, with the same words."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError


class WholeRowForm(forms.ModelForm):  # type: ignore[type-arg]
    """Validate the whole row, not only the fields on show: Django would skip constraints that mention a hidden field."""

    def _get_validation_exclusions(self) -> set[str]:
        return set(self._errors)  # type: ignore[arg-type]

    def add_error(self, field: str | None, error: ValidationError | str) -> None:
        """Put errors of fields that are not on show above the form."""
        by_field: dict[str | None, Any] = getattr(error, "error_dict", {field: error})
        for name, errors in by_field.items():
            super().add_error(name if name in self.fields else None, errors)
