"""Endpoints for support staff."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from firewalls.models import Endpoint
from firewalls.publishing import amend, publish, withdraw
from networks.common.admin import RowAdmin

OWN = ("port", "protocol", "machine", "target_port", "purpose")


@admin.register(Endpoint)
class EndpointAdmin(RowAdmin):
    """Published in a shared network: the address says on which firewall, and in which network."""

    list_display = ["__str__", "firewall", "network", "machine", "target_port", "purpose"]
    list_filter = ["protocol", "purpose"]
    list_select_related = [
        "address__machine__firewall__machine",
        "address__prefix__network",
        "machine",
    ]
    search_fields = [
        "address__address",
        "address__machine__name",
        "address__prefix__network__id",
        "machine__name",
    ]
    fields = ["address", "port", "protocol", "machine", "target_port", "purpose"]
    autocomplete_fields = ["address", "machine"]

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        place = {
            "firewall": obj.firewall,
            "network": obj.network,
            "address": obj.address.address,
            "by": request.user.get_username(),
        }
        fields = {name: getattr(obj, name) for name in OWN}
        if change:
            # As it was before the form changed it, for what it leaves changes too.
            amend(Endpoint.objects.with_relations().get(pk=obj.pk), **place, **fields)
        else:
            publish(id=obj.pk, **place, **fields)

    def delete_model(self, request: HttpRequest, obj: Endpoint) -> None:
        withdraw(obj, by=request.user.get_username())

    def view_on_site(self, obj: Endpoint) -> str:
        return reverse("firewalls:endpoint", args=[obj.pk])
