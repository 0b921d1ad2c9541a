"""Laws for support staff, with what breaks them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from firewalls.models import Law
from networks.common.admin import RowAdmin
from networks.common.violations import counted

MOST_FLOWS = 20  # on the page of a law


@admin.register(Law)
class LawAdmin(RowAdmin):
    """What breaks a law is found by whoever judges, and is shown alone."""

    list_display = ["sentence", "mode", "state"]
    list_filter = ["kind", "mode", "partition"]
    list_select_related = ["partition", "to_network", "to_project"]
    search_fields = ["to_network__id", "to_project__id", "reason"]
    autocomplete_fields = ["partition", "to_network", "to_project"]
    fixed = ()

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Law]":
        return super().get_queryset(request).annotate(broken=Count("breaches"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any | None = None) -> Any:
        known = super().get_readonly_fields(request, obj)
        return known if obj is None else [*known, "state", "flows"]

    @admin.display(description="state")
    def state(self, law: Any) -> str:
        return f"broken by {counted(law.broken, 'flow')}" if law.broken else "kept"

    @admin.display(description="flows that break it")
    def flows(self, law: Law) -> str:
        return "\n".join(one.sentence for one in law.breaches.all()[:MOST_FLOWS])

    def view_on_site(self, obj: Law) -> str:
        return reverse("firewalls:law", args=[obj.pk])
