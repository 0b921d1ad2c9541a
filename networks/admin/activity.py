"""The audit trail in the admin, to read: nobody edits it."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from networks.common.admin import RowAdmin
from networks.models import Activity


@admin.register(Activity)
class ActivityAdmin(RowAdmin):
    """Every change, to read."""

    list_display = ["at", "who", "via", "verb", "kind", "label", "operation", "reason"]
    list_filter = ["via", "verb", "kind", "at"]
    search_fields = ["label", "who", "operation", "reason", "request"]
    readonly_fields = [
        "at",
        "who",
        "via",
        "verb",
        "kind",
        "key",
        "label",
        "operation",
        "reason",
        "request",
        "story",
        "about",
        "before",
        "after",
    ]
    fields = [*readonly_fields]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Activity]:
        return Activity.objects.visible_to(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Activity | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Activity | None = None) -> bool:
        return False

    def view_on_site(self, obj: Activity) -> str:
        return reverse("networks:story", args=[obj.story])
