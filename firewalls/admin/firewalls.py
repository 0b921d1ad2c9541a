"""Firewalls for support staff: allocated, changed and freed as everywhere."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from firewalls.admin.attachments import AttachmentInline
from firewalls.admin.replacing import ReplacedHardware
from firewalls.admin.rules import RuleInline
from firewalls.allocation import NewFirewall, create_firewall, free_firewall
from firewalls.intent import revisions
from firewalls.models import Attachment, Firewall, Revision, lock_firewall
from firewalls.models.states import HELD
from machines.admin import ADDRESSES_HELP, FreedOnDelete
from machines.allocation import Request
from machines.models import Machine
from networks.common.admin import OBJECT, SHORT, RowAdmin, picker
from networks.common.fields import InetField, short_labels
from networks.common.forms import AllocationForm, Listed, WholeRowForm
from networks.common.validation import columns
from networks.models import Network

MANAGEMENT = ["uplinks", "host", "port", "user", "host_key"]


class FirewallAddForm(AllocationForm):
    """A new firewall with its networks."""

    name = forms.CharField()
    partition = picker(Machine, "partition")
    project = picker(Machine, "project")
    networks = forms.ModelMultipleChoiceField(
        Network.objects.all(),
        widget=AutocompleteSelectMultiple(Attachment._meta.get_field("network"), admin.site),
        help_text="One of them its own private one; the others shared or external.",
    )
    primary = picker(
        Machine,
        "primary",
        required=False,
        help_text="Needed only where several of them could be the primary one.",
    )
    addresses = Listed(item=InetField(), required=False, help_text=ADDRESSES_HELP, **SHORT)
    labels = forms.JSONField(required=False, initial=dict, **OBJECT)

    class Meta:
        model = Firewall
        fields = [
            "name",
            "partition",
            "project",
            "networks",
            "primary",
            "addresses",
            "labels",
            *MANAGEMENT,
        ]

    def allocate(self) -> Firewall:
        data = dict(self.cleaned_data)
        primary = data.pop("primary")
        networks = [
            Request(network, primary=network == primary) for network in data.pop("networks")
        ]
        labels = data.pop("labels") or {}
        new = NewFirewall(networks=networks, labels=labels, **data)
        return create_firewall(new, by=self.user.get_username())


class FirewallForm(WholeRowForm):
    """Both halves of a firewall: what is the machine's, and what is its own."""

    name = forms.CharField()
    labels = forms.JSONField(required=False, validators=[short_labels], **OBJECT)

    class Meta:
        model = Firewall
        fields = MANAGEMENT

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        machine = self.instance.machine
        self.initial = {"name": machine.name, "labels": machine.labels, **self.initial}

    def clean(self) -> None:
        super().clean()
        machine = self.instance.machine
        if "name" in self.changed_data:
            machine.name = self.cleaned_data.get("name", machine.name)
        if "labels" in self.changed_data:
            machine.labels = self.cleaned_data.get("labels") or {}
        try:
            machine.full_clean()
        except ValidationError as error:
            self.add_error(None, error)


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Firewall.State.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() else queryset


class HeldFilter(admin.SimpleListFilter):
    title = "held"
    parameter_name = "held"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("yes", "Yes"), ("no", "No")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "yes":
            return queryset.filter(HELD)
        return queryset.exclude(HELD) if self.value() == "no" else queryset


@admin.register(Firewall)
class FirewallAdmin(FreedOnDelete, ReplacedHardware, RowAdmin):
    list_display = ["name", "partition", "project", "primary", "state", "host", "practice"]
    list_filter = [StateFilter, HeldFilter, "practice", "machine__partition", "machine__project"]
    search_fields = [
        "machine__id",
        "machine__name",
        "machine__partition__id",
        "machine__project__id",
        "machine__addresses__address",
    ]
    fields = [
        "id",
        "name",
        "partition",
        "project",
        "primary",
        "labels",
        *MANAGEMENT,
        "practice",
        "wanted",
        "applied",
        "checked_at",
        "replaced_at",
    ]
    readonly_fields = ["practice", "wanted", "applied", "checked_at", "replaced_at"]
    fixed = ("id", "partition", "project", "primary")
    form = FirewallForm
    add_form = FirewallAddForm
    inlines = [AttachmentInline, RuleInline]

    @admin.display(ordering="observation__applied")
    def applied(self, obj: Firewall) -> Revision | None:
        return obj.observation.applied

    @admin.display(ordering="observation__checked_at")
    def checked_at(self, obj: Firewall) -> datetime | None:
        return obj.observation.checked_at

    @admin.display(ordering="state")
    def state(self, obj: Any) -> str:
        return str(Firewall.State(obj.state).label)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Firewall]:
        rows = Firewall.objects.with_relations().with_state()
        return rows.order_by("machine__name", "machine_id")

    def save_model(self, request: HttpRequest, obj: Firewall, form: Any, change: bool) -> None:
        if change:
            lock_firewall(obj)
            obj.machine.save(update_fields=columns(obj.machine, form.changed_data))
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if change:
            firewall = form.instance
            cause = f"{firewall.name} was edited"
            revisions.refresh([firewall.pk], cause=cause, by=request.user.get_username())

    def delete_model(self, request: HttpRequest, obj: Firewall) -> None:
        free_firewall(obj, by=request.user.get_username())

    def view_on_site(self, obj: Firewall) -> str:
        return reverse("firewalls:detail", args=[obj.pk])
