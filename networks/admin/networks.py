"""Networks and their prefixes in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from networks.access import may_edit
from networks.allocation import create_network
from networks.common.admin import SHORT, RowAdmin, picker
from networks.common.fields import CidrField
from networks.common.forms import AllocationForm, Listed, WholeRowForm
from networks.common.validation import refuse, reported_on
from networks.common.violations import Violation
from networks.models import Network, Prefix


class NetworkAddForm(AllocationForm):
    """A new network of any kind; a private one is carved from its partition's super network."""

    id = forms.CharField(required=False, help_text="Left empty, it reads like the name.")
    name = forms.CharField(required=False)
    vrf = forms.IntegerField(required=False, help_text="Left empty, the next free one.")
    parent = picker(
        Network,
        "parent",
        required=False,
        help_text="Of a private network; left empty, its partition's super network.",
    )
    partition = picker(Network, "partition", required=False)
    project = picker(Network, "project", required=False)
    prefixes = Listed(
        item=CidrField(),
        required=False,
        help_text="A private network without takes the next free one.",
        **SHORT,
    )

    class Meta:
        model = Network
        fields = [
            "id",
            "name",
            "description",
            "kind",
            "partition",
            "project",
            "parent",
            "vrf",
            "destination_prefixes",
            "default_child_prefix_length",
            "nat",
            "labels",
            "shared",
            "shared_reason",
        ]

    def allocate(self) -> Network:
        columns = dict(self.cleaned_data)
        if not may_edit(self.user, "add", columns["kind"]):
            reason = "Only admins add super, underlay and external networks."
            refuse(Violation("kind", "role", reason))
        if columns["shared"] and not self.user.has_perm("networks.share_network"):
            refuse(Violation("shared", "role", "Only admins share networks."))
        columns["name"] = columns["name"] or columns["id"]
        with reported_on(cidr="prefixes", prefix_length="prefixes"):
            return create_network(**columns, by=self.user.get_username())


class PrefixInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Prefix
    form = WholeRowForm
    fields = ["cidr"]
    extra = 0


@admin.register(Network)
class NetworkAdmin(RowAdmin):
    list_display = ["id", "name", "kind", "partition", "project", "vrf", "shared", "prefixes_text"]
    list_filter = ["kind", "shared", "nat", "partition"]
    list_select_related = ["partition", "project"]
    search_fields = ["id", "name", "description", "project__id", "prefixes__cidr"]
    autocomplete_fields = ["project"]
    fields = [
        "id",
        "name",
        "description",
        "kind",
        "partition",
        "project",
        "parent",
        "vrf",
        "destination_prefixes",
        "default_child_prefix_length",
        "nat",
        "labels",
        "shared",
        "shared_reason",
        "shared_at",
        "shared_by",
    ]
    readonly_fields = ["shared_at", "shared_by"]
    fixed = ("id", "kind", "partition", "parent", "vrf")
    add_form = NetworkAddForm
    inlines = [PrefixInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Network]:
        return super().get_queryset(request).prefetch_related("prefixes")

    def get_readonly_fields(self, request: HttpRequest, obj: Network | None = None) -> Any:
        fields = [*super().get_readonly_fields(request, obj)]
        if obj is not None and (obj.shared or not request.user.has_perm("networks.share_network")):
            fields += ["shared", "shared_reason"]
        return fields

    def has_change_permission(self, request: HttpRequest, obj: Network | None = None) -> bool:
        return super().has_change_permission(request, obj) and (
            obj is None or may_edit(request.user, "change", obj.kind)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Network | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (
            obj is None or may_edit(request.user, "delete", obj.kind)
        )

    def save_model(self, request: HttpRequest, obj: Network, form: Any, change: bool) -> None:
        if not (change and "shared" in form.changed_data):
            super().save_model(request, obj, form, change)
            return
        # Sharing is a step of its own, which notes who shared it.
        reason = obj.shared_reason
        obj.shared = False
        obj.shared_at = None
        obj.shared_reason = ""
        super().save_model(request, obj, form, change)
        obj.share(request.user.get_username(), reason)

    def view_on_site(self, obj: Network) -> str:
        return reverse("networks:detail", args=[obj.pk])


@admin.register(Prefix)
class PrefixAdmin(RowAdmin):
    list_display = ["cidr", "network", "child"]
    list_filter = ["network__kind", "network__partition"]
    list_select_related = ["network"]
    search_fields = ["cidr", "network__id"]
    autocomplete_fields = ["network"]
    fields = ["network", "cidr"]
    fixed = ("network", "cidr")

    def has_change_permission(self, request: HttpRequest, obj: Prefix | None = None) -> bool:
        return super().has_change_permission(request, obj) and (
            obj is None or may_edit(request.user, "change", obj.network.kind)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Prefix | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (
            obj is None or may_edit(request.user, "change", obj.network.kind)
        )

    def save_model(self, request: HttpRequest, obj: Prefix, form: Any, change: bool) -> None:
        if not may_edit(request.user, "change", obj.network.kind):
            raise PermissionDenied(
                f"To grow a network of kind {obj.network.kind} takes the admin role."
            )
        super().save_model(request, obj, form, change)

    def view_on_site(self, obj: Prefix) -> str:
        return reverse("networks:detail", args=[obj.network_id])
