"""Laws: all of them, one with what breaks it, and the form in which they are written."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from firewalls.models import Law
from networks.common.forms import WholeRowForm
from networks.common.htmx import page
from networks.common.lists import Filter, listing, shelf
from networks.models import Network, Project

SORTS = {"written": "pk", "kind": "kind", "target": "to_network", "broken": "broken"}
FILTERS: dict[str, Filter] = {
    "kind": lambda rows, value: rows.filter(kind=value),
    "partition": lambda rows, value: rows.filter(partition=value),
    "network": lambda rows, value: rows.filter(to_network=value),
    "state": lambda rows, value: (
        rows.filter(broken__gt=0) if value == "broken" else rows.filter(broken=0)
    ),
}


class Named(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A row by its id, as it is typed: there may be thousands."""

    widget = forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"})
    default_error_messages = {"invalid_choice": "There is no %(value)s."}


class LawForm(WholeRowForm):
    """A law in its parts."""

    to_network = Named(
        Network.objects.filter(kind=Network.Kind.PRIVATE),
        required=False,
        label="Reaching network",
        help_text="its id; neither a network nor a project: the internet",
    )
    to_project = Named(
        Project.objects.all(),
        required=False,
        label="Reaching project",
        help_text="each private network of it",
    )

    class Meta:
        model = Law
        fields = (
            "kind",
            "projects",
            "networks",
            "outside",
            "to_network",
            "to_project",
            "protocol",
            "port",
            "family",
            "partition",
            "mode",
            "reason",
        )


def law_list(request: HttpRequest) -> HttpResponse:
    """All that must stay true, the broken ones told apart."""
    context = {"listing": listing(request, _rows(), FILTERS, SORTS), "kinds": Law.Kind.choices}
    return page(request, "firewalls/laws/list.html", context)


def new_law(request: HttpRequest) -> HttpResponse:
    """A form, and once it is sent, the law; also where it is broken already."""
    _may(request, "firewalls.add_law")
    form = LawForm(request.POST or None)
    if form.is_valid() and (law := _saved(form)):
        messages.success(request, f"It is law from now on that {law}.")
        return redirect("firewalls:law", law.pk)
    return _form(request, form, {})


def law_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Whether it is kept, and what breaks it since when."""
    law = get_object_or_404(_rows(), pk=pk)
    context = {"law": law, "flows": shelf(request, law.breaches.all(), "flows")}
    return page(request, "firewalls/laws/detail.html", context)


def change_law(request: HttpRequest, pk: int) -> HttpResponse:
    """The form of a law that there is."""
    _may(request, "firewalls.change_law")
    law = get_object_or_404(Law, pk=pk)
    form = LawForm(request.POST or None, instance=get_object_or_404(Law, pk=pk))
    if form.is_valid() and (changed := _saved(form)):
        messages.success(request, f"It is law from now on that {changed}.")
        return redirect("firewalls:law", pk)
    return _form(request, form, {"law": law})


def remove_law(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks once; posted, it is law no more."""
    _may(request, "firewalls.delete_law")
    law = get_object_or_404(Law, pk=pk)
    if request.method == "POST":
        sentence = f"It is law no more that {law}."
        law.delete()
        messages.success(request, sentence)
        return redirect("firewalls:laws")
    return page(request, "firewalls/laws/remove.html", {"law": law})


def _rows() -> "QuerySet[Law]":
    rows = Law.objects.select_related("partition", "to_network", "to_project")
    return rows.annotate(broken=Count("breaches"))


def _saved(form: LawForm) -> Law | None:
    """None where it is refused only now; the form says why."""
    try:
        law: Law = form.save()
    except ValidationError as error:
        form.add_error(None, error)
        return None
    return law


def _form(request: HttpRequest, form: LawForm, context: dict[str, Any]) -> HttpResponse:
    status = 422 if form.errors else 200
    return page(request, "firewalls/laws/form.html", {**context, "form": form}, status=status)


def _may(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied("Writing laws takes the role admin.")
