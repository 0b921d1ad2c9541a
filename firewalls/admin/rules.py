"""Rules of firewalls for support staff: by themselves, and on their firewall's page."""

from django.contrib import admin

from firewalls.admin.rows import OfFirewall
from firewalls.models import Rule
from networks.common.forms import WholeRowForm


class RuleInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Rule
    form = WholeRowForm
    fields = ["direction", "position", "protocol", "ports", "sources", "destinations", "comment"]
    extra = 0


@admin.register(Rule)
class RuleAdmin(OfFirewall):
    list_display = ["firewall", "direction", "position", "protocol", "ports", "comment"]
    list_filter = ["direction", "protocol"]
    search_fields = ["firewall__machine__name", "comment"]
    autocomplete_fields = ["firewall"]
    fixed = ("firewall",)
