"""Addresses in the admin: allocated as everywhere."""

from django import forms
from django.contrib import admin
from django.urls import reverse

from networks.allocation import allocate
from networks.common.admin import RowAdmin, picker
from networks.common.forms import AllocationForm
from networks.models import Address, Prefix


class AddressAddForm(AllocationForm):
    """A new address: the one named, or the next free one."""

    network = picker(Prefix, "network")
    project = picker(Address, "project")
    address = forms.CharField(required=False, help_text="Left empty, the next free one.")
    version = forms.TypedChoiceField(
        choices=[(4, "IPv4"), (6, "IPv6")], coerce=int, empty_value=None, required=False
    )
    kind = forms.ChoiceField(
        choices=[("", "ephemeral if picked, static if given"), *Address.Kind.choices],
        required=False,
    )

    class Meta:
        model = Address
        fields = ["network", "project", "address", "version", "kind", "name"]

    def allocate(self) -> Address:
        data = self.cleaned_data
        return allocate(
            data["network"],
            project=data["project"],
            ip=Address._meta.get_field("address").to_python(data["address"]),
            version=data["version"] or None,
            kind=data["kind"] or None,
            name=data["name"],
        )


@admin.register(Address)
class AddressAdmin(RowAdmin):
    list_display = ["address", "network", "project", "kind", "machine", "name"]
    list_filter = ["kind", ("machine", admin.EmptyFieldListFilter), "project"]
    list_select_related = ["prefix__network", "project", "machine"]
    search_fields = ["address", "name", "project__id", "prefix__network__id", "machine__name"]
    fields = ["address", "network", "project", "machine", "kind", "name", "description", "labels"]
    fixed = ("address", "network", "project", "machine")
    add_form = AddressAddForm

    def view_on_site(self, obj: Address) -> str:
        return reverse("networks:detail", args=[obj.prefix.network_id])
