"""Revisions, pushes, rollouts and drift for support staff, to read."""

from datetime import datetime

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from firewalls.admin.rows import OfFirewall
from firewalls.models import Drift, Member, Push, Revision, Rollout


class History(OfFirewall):
    """What happened is not edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


@admin.register(Revision)
class RevisionAdmin(History):
    list_display = ["firewall", "number", "digest", "cause", "created_by", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["firewall__machine__name", "digest", "cause", "created_by"]
    exclude = ["plan"]
    ordering = ["-created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Revision]:
        return super().get_queryset(request).defer("files", "plan")


@admin.register(Push)
class PushAdmin(History):
    list_display = [
        "firewall",
        "revision",
        "state",
        "requested_by",
        "created_at",
        "started_at",
        "finished_at",
        "error",
    ]
    list_filter = ["state", "created_at"]
    list_select_related = ["firewall__machine", "revision__firewall__machine"]
    search_fields = ["firewall__machine__name", "requested_by", "error"]

    def view_on_site(self, obj: Push) -> str:
        return reverse("firewalls:push_detail", args=[obj.pk])


class MemberInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Member
    fields = ["name", "firewall", "wave", "push", "outcome", "before", "revision"]
    readonly_fields = ["name", "firewall", "wave", "push", "outcome", "before", "revision"]
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Member]:
        rows = super().get_queryset(request)
        return rows.select_related(
            "firewall__machine", "push__firewall__machine", "before__firewall__machine"
        )


@admin.register(Rollout)
class RolloutAdmin(History):
    list_display = [
        "cause",
        "state",
        "max_failures",
        "created_by",
        "created_at",
        "finished_at",
        "reason",
    ]
    list_filter = ["state", "created_at"]
    list_select_related = False
    search_fields = ["cause", "created_by", "reason"]
    inlines = [MemberInline]

    def view_on_site(self, obj: Rollout) -> str:
        return reverse("firewalls:rollout_detail", args=[obj.pk])


@admin.register(Drift)
class DriftAdmin(History):
    list_display = ["firewall", "found_at", "accepted_at", "accepted_by"]
    list_filter = ["found_at"]
    list_select_related = ["firewall__machine", "firewall__accepted_drift"]
    search_fields = ["firewall__machine__name", "firewall__accepted_drift__accepted_by"]

    @admin.display(description="accepted at")
    def accepted_at(self, obj: Drift) -> datetime | None:
        return obj.acceptance.accepted_at if obj.acceptance else None

    @admin.display(description="accepted by")
    def accepted_by(self, obj: Drift) -> str:
        return obj.acceptance.accepted_by if obj.acceptance else ""
