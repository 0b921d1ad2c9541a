"""Holds, maintenance windows, and what was chosen for pushes, for support staff."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse

from firewalls.admin.history import History
from firewalls.admin.rows import OfFirewall
from firewalls.models import Choice, Firewall, Hold, Window
from firewalls.pushing import holding
from networks.common.admin import RowAdmin


@admin.register(Hold)
class HoldAdmin(OfFirewall):
    """To delete one is to end it."""

    list_display = ["firewall", "reason", "held_by", "since", "until"]
    list_filter = ["until"]
    search_fields = ["firewall__machine__name", "reason", "held_by"]
    autocomplete_fields = ["firewall"]
    fields = ["firewall", "reason", "until"]
    fixed = ("firewall",)

    def save_model(self, request: HttpRequest, obj: Hold, form: Any, change: bool) -> None:
        by = request.user.get_username()
        row = holding.hold(obj.firewall, by=by, reason=obj.reason, until=obj.until)
        obj.since, obj.held_by = row.since, row.held_by

    def delete_model(self, request: HttpRequest, obj: Hold) -> None:
        holding.end(obj.firewall)


@admin.register(Window)
class WindowAdmin(RowAdmin):
    list_display = ["__str__", "partition", "firewall", "zone", "only_automatic"]
    list_filter = ["only_automatic", "partition", "zone"]
    list_select_related = ["partition", "firewall__machine"]
    search_fields = ["partition__id", "firewall__machine__name", "zone"]
    autocomplete_fields = ["partition", "firewall"]
    fixed = ("partition", "firewall")

    def view_on_site(self, obj: Window) -> str:
        if isinstance(obj.firewall, Firewall):
            return reverse("firewalls:when", args=[obj.firewall_id])
        return reverse("firewalls:partition_when", args=[obj.partition_id])


@admin.register(Choice)
class ChoiceAdmin(History):
    fixed = ("push",)
    list_display = ["push", "start", "may_lock_out", "chosen_by", "reason"]
    list_filter = ["start", "may_lock_out"]
    list_select_related = ["push__firewall__machine"]
    search_fields = ["push__firewall__machine__name", "chosen_by", "reason"]

    def view_on_site(self, obj: Choice) -> str:
        return reverse("firewalls:push_detail", args=[obj.push_id])

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return request.user.has_perm("firewalls.view_push")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)
