"""The notes of imports in the admin, to read: the next import writes them anew."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from networks.common.admin import RowAdmin
from networks.models import ImportNote


@admin.register(ImportNote)
class ImportNoteAdmin(RowAdmin):
    """What imports have left out, assumed or kept out, to read."""

    list_display = ["kind", "label", "verdict", "field", "rule", "message", "at"]
    list_filter = ["verdict", "kind"]
    search_fields = ["key", "label", "message"]
    readonly_fields = ["kind", "key", "label", "verdict", "field", "rule", "message", "at"]
    fields = [*readonly_fields]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ImportNote | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ImportNote | None = None) -> bool:
        return False

    def view_on_site(self, obj: ImportNote) -> str:
        return reverse("networks:import_notes") + f"?q={obj.key}"
