"""How the SSH of firewalls is reached, for support staff."""

from django.contrib import admin
from django.urls import reverse

from firewalls.models import SshAccess
from networks.common.admin import RowAdmin
from networks.common.forms import WholeRowForm


@admin.register(SshAccess)
class SshAccessAdmin(RowAdmin):
    form = WholeRowForm
    list_display = ["__str__", "jump_host", "jump_port", "jump_user"]
    search_fields = ["partition__id", "firewall__machine__name", "jump_host"]
    autocomplete_fields = ["partition", "firewall"]
    list_select_related = ["partition", "retired", "firewall__machine"]
    fixed = ("partition", "firewall")

    def view_on_site(self, obj: SshAccess) -> str:
        if obj.firewall_id:
            return reverse("firewalls:access", args=[obj.firewall_id])
        if obj.retired_id:
            return reverse("firewalls:retired_access", args=[obj.retired_id])
        return reverse("firewalls:partition_access", args=[obj.partition_id])
