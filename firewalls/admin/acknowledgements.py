"""Acknowledged causes of trouble, for support staff."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from firewalls.models import Acknowledgement
from networks.common.admin import RowAdmin


@admin.register(Acknowledgement)
class AcknowledgementAdmin(RowAdmin):
    """Made on the overview, where the cause is seen; to delete one is to end it."""

    list_display = ["__str__", "note", "acknowledged_by", "since", "until"]
    list_filter = ["state", "until"]
    search_fields = ["state", "reason", "note", "acknowledged_by"]
    fields = ["state", "reason", "note", "until", "acknowledged_by", "since"]
    fixed = ("state", "reason", "acknowledged_by", "since")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def view_on_site(self, obj: Acknowledgement) -> str:
        named = {"state": obj.state, "reason": obj.reason}
        return f"{reverse('firewalls:acknowledge')}?{urlencode(named)}"
