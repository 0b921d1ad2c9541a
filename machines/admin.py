"""Machines for support staff: allocated and freed as everywhere."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from machines.allocation import Order, Request, create_machine, free_machine
from machines.models import HttpProxy, Machine
from networks.common.admin import OBJECT, SHORT, RowAdmin, picker
from networks.common.fields import InetField
from networks.common.forms import AllocationForm, Listed
from networks.models import Address

ADDRESSES_HELP = "Of these networks; left empty, the next free ones are picked."


class MachineAddForm(AllocationForm):
    """A new machine in its one network."""

    partition = picker(Machine, "partition")
    project = picker(Machine, "project")
    network = picker(Machine, "primary", help_text="A private network of the project.")
    addresses = Listed(item=InetField(), required=False, help_text=ADDRESSES_HELP, **SHORT)
    labels = forms.JSONField(required=False, initial=dict, **OBJECT)

    class Meta:
        model = Machine
        fields = ["name", "partition", "project", "network", "addresses", "labels"]

    def allocate(self) -> Machine:
        data = dict(self.cleaned_data)
        request = Request(data.pop("network"), auto=not data["addresses"])
        data["labels"] = data["labels"] or {}
        return create_machine(Order(networks=[request], **data))

    def add_error(self, field: str | None, error: Any) -> None:
        """Errors of the order's networks are those of the one network here."""
        by_field = getattr(error, "error_dict", {})
        if "networks" in by_field:
            by_field["network"] = by_field.pop("networks")
        super().add_error(field, error)


class AddressInline(admin.TabularInline):  # type: ignore[type-arg]
    """The machine's addresses, to see."""

    model = Address
    fields = ["address", "network", "kind", "name"]
    readonly_fields = ["address", "network", "kind", "name"]
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Address]:
        return super().get_queryset(request).select_related("prefix__network")


class FreedOnDelete:
    """Deleting is freeing, so addresses are not in the way: they are released (R16)."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        freed = [str(obj) for obj in objs]
        may_delete = self.has_delete_permission(request)  # type: ignore[attr-defined]
        missing = set() if may_delete else {"machine"}
        kind = str(self.model._meta.verbose_name_plural)  # type: ignore[attr-defined]
        return freed, {kind: len(freed)}, missing, []


@admin.register(Machine)
class MachineAdmin(FreedOnDelete, RowAdmin):
    """Machines that are no firewalls; those have an admin of their own."""

    list_display = ["name", "partition", "project", "primary", "asn", "created_at"]
    list_filter = ["partition", "project"]
    list_select_related = ["partition", "project", "primary"]
    search_fields = [
        "id",
        "name",
        "partition__id",
        "project__id",
        "primary__id",
        "addresses__address",
    ]
    fields = ["id", "name", "partition", "project", "primary", "asn", "labels", "created_at"]
    readonly_fields = ["created_at"]
    fixed = ("id", "partition", "project", "primary", "asn")
    add_form = MachineAddForm
    inlines = [AddressInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Machine]:
        return super().get_queryset(request).filter(firewall=None)

    def delete_model(self, request: HttpRequest, obj: Machine) -> None:
        free_machine(obj)

    def view_on_site(self, obj: Machine) -> str:
        return reverse("machines:detail", args=[obj.pk])


@admin.register(HttpProxy)
class HttpProxyAdmin(RowAdmin):
    """Named by operators, for machines without a firewall of their own that leads outside."""

    list_display = ["network", "host", "port"]
    list_select_related = ["network"]
    search_fields = ["network__id", "host"]
    autocomplete_fields = ["network"]
    fields = ["network", "host", "port"]
    fixed = ("network",)

    def view_on_site(self, obj: HttpProxy) -> str:
        return reverse("networks:detail", args=[obj.network_id])
