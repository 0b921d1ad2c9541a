"""Partitions and projects in the admin."""

from django.contrib import admin
from django.urls import reverse

from networks.common.admin import RowAdmin
from networks.models import Partition, Project


@admin.register(Partition)
class PartitionAdmin(RowAdmin):
    list_display = ["id", "name", "description", "auto_push", "pushes_at_once"]
    list_filter = ["auto_push"]
    search_fields = ["id", "name", "description"]

    def view_on_site(self, obj: Partition) -> str:
        return reverse("networks:list") + f"?partition={obj.pk}"


@admin.register(Project)
class ProjectAdmin(RowAdmin):
    list_display = ["id", "name", "tenant", "description"]
    list_filter = ["tenant"]
    search_fields = ["id", "name", "tenant", "description"]

    def view_on_site(self, obj: Project) -> str:
        return reverse("networks:list") + f"?project={obj.pk}"
