"""Firewalls that were freed and may still run, and what is kept back, for support staff."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from firewalls import tasks
from firewalls.admin.history import History
from firewalls.models import Retired
from firewalls.pushing import retiring
from networks.models import Carried


@admin.register(Retired)
class RetiredAdmin(History):
    """To delete one is to say that it is gone: what it had is free."""

    list_display = ["name", "partition", "project", "host", "retired_at", "outcome", "error"]
    list_filter = ["outcome", "practice", "partition"]
    list_select_related = ["partition"]
    search_fields = ["name", "partition__id", "project", "network", "host"]
    exclude = ["files", "steps"]
    actions = ["take_off", "leave_empty"]

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return request.user.has_perm("firewalls.delete_firewall")

    def delete_model(self, request: HttpRequest, obj: Retired) -> None:
        retiring.gone(obj, obj.name)

    @admin.action(description="Take the configuration off", permissions=["delete"])
    def take_off(self, request: HttpRequest, queryset: QuerySet[Retired]) -> None:
        self._ask(request, queryset, leaves_empty=False)

    @admin.action(description="Leave an empty configuration there", permissions=["delete"])
    def leave_empty(self, request: HttpRequest, queryset: QuerySet[Retired]) -> None:
        self._ask(request, queryset, leaves_empty=True)

    def _ask(
        self, request: HttpRequest, queryset: QuerySet[Retired], *, leaves_empty: bool
    ) -> None:
        by = request.user.get_username()
        for retired in queryset:
            try:
                tasks.ask_to_take_off(retired, by, leaves_empty=leaves_empty)
            except ValidationError as error:
                messages.error(request, " ".join(error.messages))

    def view_on_site(self, obj: Retired) -> str:
        return reverse("firewalls:retired", args=[obj.pk])


@admin.register(Carried)
class CarriedAdmin(History):
    list_display = ["what", "firewall", "network", "left_at", "reason"]
    list_filter = [("left_at", admin.EmptyFieldListFilter)]
    list_select_related = False
    search_fields = ["firewall", "network", "address"]

    def view_on_site(self, obj: Any) -> str:
        return reverse("firewalls:box", args=[obj.box])
