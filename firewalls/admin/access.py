"""How the SSH of firewalls is reached, for support staff."""

from django.contrib import admin

from firewalls.models import SshAccess
from networks.common.admin import RowAdmin
from networks.common.forms import WholeRowForm


@admin.register(SshAccess)
class SshAccessAdmin(RowAdmin):
    form = WholeRowForm
    list_display = ["__str__", "jump_host", "jump_port", "jump_user"]
    search_fields = ["partition__id", "firewall__machine__name", "jump_host"]
    autocomplete_fields = ["partition", "firewall"]
    list_select_related = ["partition", "firewall__machine"]
