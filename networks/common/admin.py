"""What all pages of the Django admin have in common: rows are judged as a whole, as everywhere."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import ProtectedError, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from networks.common.forms import AllocationForm, WholeRowForm
from networks.common.locking import repeated_if_deadlocked
from networks.common.postgres import judge_now
from networks.common.validation import still_used

SHORT: dict[str, Any] = {"widget": forms.TextInput(attrs={"size": 60})}
OBJECT: dict[str, Any] = {"widget": forms.Textarea(attrs={"rows": 3, "cols": 60})}


class RowAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that are judged as a whole; what is refused is explained, and nothing is half done.

    `add_form` allocates where making a row takes more than saving it. `fixed` fields are set once,
    when the row is made.
    """

    form: type[forms.ModelForm] = WholeRowForm  # type: ignore[type-arg]
    add_form: type[AllocationForm] | None = None
    fixed: tuple[str, ...] = ("id",)
    formfield_overrides = {models.JSONField: OBJECT, ArrayField: SHORT}
    show_full_result_count = False
    list_per_page = 50

    def get_form(
        self, request: HttpRequest, obj: Any | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None and self.add_form is not None:
            kwargs |= {"form": self.add_form, "fields": None}
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.user = request.user
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What the address of the page fills in, as far as its fields take it."""
        given: dict[str, Any] = super().get_changeform_initial_data(request)
        fields = self.get_form(request).base_fields
        return {
            name: value
            for name, value in given.items()
            if name not in fields or _takes(fields[name], value)
        }

    def get_fields(self, request: HttpRequest, obj: Any | None = None) -> Any:
        if obj is None and self.add_form is not None:
            return [*self.add_form.base_fields]
        return super().get_fields(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any | None = None) -> Any:
        return [] if obj is None else [*self.fixed, *super().get_readonly_fields(request, obj)]

    def get_inline_instances(self, request: HttpRequest, obj: Any | None = None) -> Any:
        return [] if obj is None else super().get_inline_instances(request, obj)

    def render_change_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Shown again, for something was refused: what was allocated to judge it goes."""
        response = super().render_change_form(request, *args, **kwargs)
        if request.method == "POST":
            transaction.set_rollback(True)
        return response

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if isinstance(form, AllocationForm):  # what is allocated is saved already
            return
        if change and isinstance(form, WholeRowForm):
            obj.save(update_fields=form.changed_columns())
        else:
            super().save_model(request, obj, form, change)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        view = super().changeform_view
        return self._whole_or_nothing(request, lambda: view(request, *args, **kwargs))

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        view = super().delete_view
        return self._whole_or_nothing(request, lambda: view(request, *args, **kwargs))

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        view = super().changelist_view
        return self._whole_or_nothing(request, lambda: view(request, *args, **kwargs))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for obj in queryset:
            self.delete_model(request, obj)

    def _whole_or_nothing(
        self, request: HttpRequest, view: Callable[[], HttpResponse]
    ) -> HttpResponse:
        """Undo everything if a rule is broken only now, and show the page again with its sentence.

        That is when somebody was quicker than the form, a row is in use, or a law is broken.
        """

        def judged() -> HttpResponse:
            response = view()
            judge_now()
            return response

        try:
            return repeated_if_deadlocked(judged)
        except ValidationError as error:
            list(messages.get_messages(request))  # what they say was done is taken back
            for message in error.messages:
                messages.error(request, message)
        except ProtectedError as error:
            messages.error(request, still_used(error.protected_objects))
        return HttpResponseRedirect(request.get_full_path())


def _takes(field: forms.Field, value: Any) -> bool:
    try:
        field.clean(value)
    except ValidationError:
        return False
    return True


def picker(model: type[models.Model], field: str, **kwargs: Any) -> Any:
    """A choice among many rows, searched as one types."""
    relation: Any = model._meta.get_field(field)
    rows = relation.related_model._default_manager.all()
    return forms.ModelChoiceField(rows, widget=AutocompleteSelect(relation, admin.site), **kwargs)
