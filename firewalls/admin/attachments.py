"""What firewalls have joined, for support staff: joined and left as everywhere."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from firewalls.admin.rows import OfFirewall
from firewalls.allocation import join, leave
from firewalls.models import Attachment, Firewall
from machines.admin import ADDRESSES_HELP
from networks.common.admin import SHORT, picker
from networks.common.fields import InetField
from networks.common.forms import AllocationForm, Listed


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
        # Django's hook for judging the row, which AllocationForm overrides to allocate: what has
        # joined is shown here and not joined again.
        if self.instance._state.adding:
            super()._post_clean()

    def allocate(self) -> Attachment:
        data = self.cleaned_data
        # On the page of a firewall the form does not ask for one.
        firewall: Firewall = data.get("firewall") or self.instance.firewall
        by = self.user.get_username()
        return join(firewall, data["network"], addresses=data["addresses"], by=by)


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
