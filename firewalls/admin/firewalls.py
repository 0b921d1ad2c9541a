"""Firewalls for support staff: allocated and freed, joined to networks and taken out of them as everywhere."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from firewalls.allocation import create_firewall, free_firewall, join, leave
from firewalls.intent import revisions
from firewalls.models import Attachment, Drift, Firewall, Member, Push, Revision, Rollout, Rule
from machines.admin import ADDRESSES_HELP, FreedOnDelete
from machines.allocation import Request
from machines.models import Machine
from networks.common.admin import OBJECT, SHORT, RowAdmin, picker
from networks.common.fields import InetField, short_labels
from networks.common.forms import AllocationForm, Listed, WholeRowForm
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
        given, by = dict(self.cleaned_data), self.user.get_username()
        primary = given.pop("primary")
        asked = [Request(network, primary=network == primary) for network in given.pop("networks")]
        return create_firewall(networks=asked, by=by, labels=given.pop("labels") or {}, **given)


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

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        machine, given = self.instance.machine, self.cleaned_data
        machine.name, machine.labels = given.get("name", machine.name), given.get("labels") or {}
        try:
            machine.full_clean()
        except ValidationError as error:
            self.add_error(None, error)


class AttachmentForm(AllocationForm):
    """Joining a network. What was joined is left, not changed."""

    network = picker(Attachment, "network")
    addresses = Listed(item=InetField(), required=False, help_text=ADDRESSES_HELP, **SHORT)

    class Meta:
        model = Attachment
        fields = ["firewall", "network", "addresses"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            own = self.instance.firewall.machine.addresses.filter(
                prefix__network=self.instance.network_id
            )
            self.initial["addresses"] = ", ".join(map(str, own))
            for field in self.fields.values():
                field.disabled = True

    def _post_clean(self) -> None:
        if self.instance._state.adding:
            super()._post_clean()

    def allocate(self) -> Attachment:
        firewall = self.cleaned_data.get("firewall")
        joining = firewall if isinstance(firewall, Firewall) else self.instance.firewall
        given = self.cleaned_data
        return join(
            joining, given["network"], addresses=given["addresses"], by=self.user.get_username()
        )


class JoinedNetworks(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """Deleting a row is leaving the network."""

    def delete_existing(self, obj: Attachment, commit: bool = True) -> None:
        by: str = self.form.user.get_username()  # type: ignore[attr-defined]
        leave(obj.firewall, obj.network, by=by)


class AttachmentInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Attachment
    form = AttachmentForm
    formset = JoinedNetworks
    fields = ["network", "addresses", "role"]
    readonly_fields = ["role"]
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attachment]:
        return super().get_queryset(request).select_related("network", "firewall__machine")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        formset.form.user = request.user
        return formset


class RuleInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Rule
    form = WholeRowForm
    fields = ["direction", "position", "protocol", "ports", "sources", "destinations", "comment"]
    extra = 0


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Firewall.State.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() else queryset


@admin.register(Firewall)
class FirewallAdmin(FreedOnDelete, RowAdmin):
    list_display = ["name", "partition", "project", "primary", "state", "host", "practice"]
    list_filter = [StateFilter, "practice", "machine__partition", "machine__project"]
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
    ]
    readonly_fields = ["practice", "wanted", "applied", "checked_at"]
    fixed = ("id", "partition", "project", "primary")
    form = FirewallForm
    add_form = FirewallAddForm
    inlines = [AttachmentInline, RuleInline]

    @admin.display(ordering="state")
    def state(self, obj: Any) -> str:
        return str(Firewall.State(obj.state).label)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Firewall]:
        return (
            Firewall.objects.with_relations().with_state().order_by("machine__name", "machine_id")
        )

    def save_model(self, request: HttpRequest, obj: Firewall, form: Any, change: bool) -> None:
        if change:
            obj.machine.save()
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if change:
            revisions.refresh(
                [form.instance.pk],
                cause=f"{form.instance.name} was edited",
                by=request.user.get_username(),
            )

    def delete_model(self, request: HttpRequest, obj: Firewall) -> None:
        free_firewall(obj)

    def view_on_site(self, obj: Firewall) -> str:
        return reverse("firewalls:detail", args=[obj.pk])


class OfFirewall(RowAdmin):
    """Rows that belong to a firewall."""

    list_select_related: ClassVar[Any] = ["firewall__machine"]

    def view_on_site(self, obj: Any) -> str:
        return reverse("firewalls:detail", args=[obj.firewall_id])


@admin.register(Attachment)
class AttachmentAdmin(OfFirewall):
    list_display = ["firewall", "network", "role", "created_at"]
    list_filter = ["network__kind", "network__partition"]
    list_select_related = ["firewall__machine", "network"]
    search_fields = ["firewall__machine__name", "network__id"]
    fields = ["firewall", "network", "role", "created_at"]
    readonly_fields = ["role", "created_at"]
    fixed = ("firewall", "network")
    autocomplete_fields = ["firewall"]
    add_form = AttachmentForm

    def delete_model(self, request: HttpRequest, obj: Attachment) -> None:
        leave(obj.firewall, obj.network, by=request.user.get_username())


@admin.register(Rule)
class RuleAdmin(OfFirewall):
    list_display = ["firewall", "direction", "position", "protocol", "ports", "comment"]
    list_filter = ["direction", "protocol"]
    search_fields = ["firewall__machine__name", "comment"]
    autocomplete_fields = ["firewall"]
    fixed = ("firewall",)


class History(OfFirewall):
    """What happened is not edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


@admin.register(Revision)
class RevisionAdmin(History):
    list_display = ["firewall", "number", "digest", "cause", "created_by", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["firewall__machine__name", "digest", "cause", "created_by"]
    ordering = ["-created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Revision]:
        return super().get_queryset(request).defer("files")


@admin.register(Push)
class PushAdmin(History):
    list_display = [
        "firewall",
        "revision",
        "state",
        "requested_by",
        "created_at",
        "started_at",
        "finished_at",
        "error",
    ]
    list_filter = ["state", "created_at"]
    list_select_related = ["firewall__machine", "revision__firewall__machine"]
    search_fields = ["firewall__machine__name", "requested_by", "error"]

    def view_on_site(self, obj: Push) -> str:
        return reverse("firewalls:push_detail", args=[obj.pk])


class MemberInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Member
    fields = ["firewall", "wave", "push", "before", "revision"]
    readonly_fields = ["firewall", "wave", "push", "before", "revision"]
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Member]:
        return (
            super()
            .get_queryset(request)
            .select_related(
                "firewall__machine", "push__firewall__machine", "before__firewall__machine"
            )
        )


@admin.register(Rollout)
class RolloutAdmin(History):
    list_display = [
        "cause",
        "state",
        "max_failures",
        "created_by",
        "created_at",
        "finished_at",
        "reason",
    ]
    list_filter = ["state", "created_at"]
    list_select_related = False
    search_fields = ["cause", "created_by", "reason"]
    inlines = [MemberInline]

    def view_on_site(self, obj: Rollout) -> str:
        return reverse("firewalls:rollout_detail", args=[obj.pk])


@admin.register(Drift)
class DriftAdmin(History):
    list_display = ["firewall", "found_at", "accepted_at", "accepted_by"]
    list_filter = ["found_at"]
    search_fields = ["firewall__machine__name", "accepted_by"]
