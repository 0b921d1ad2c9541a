"""Another box for a firewall, from its page in the admin."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from firewalls.forms import ReplaceForm
from firewalls.models import Firewall
from firewalls.pushing.replacing import preview


class ReplacedHardware(admin.ModelAdmin):  # type: ignore[type-arg]
    """Firewalls whose hardware is replaced by a page of their own, as everywhere."""

    change_form_template = "admin/firewalls/firewall/change_form.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.replace_view)
        own: list[URLPattern] = [
            path("<uuid:pk>/replace/", view, name="firewalls_firewall_replace")
        ]
        return [*own, *super().get_urls()]

    def replace_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """How the new box is reached, and what became of the old one."""
        rows = Firewall.objects.with_relations().with_state()
        firewall = get_object_or_404(rows, pk=pk)
        if not self.has_change_permission(request, firewall):
            raise PermissionDenied
        initial = {"port": firewall.port, "user": firewall.user}
        form = ReplaceForm(request.POST or None, initial=initial)
        if form.replaces(firewall):
            messages.success(request, f"{firewall} has new hardware. Confirm its host key next.")
            return redirect(reverse("admin:firewalls_firewall_change", args=[pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Replace the hardware of {firewall}",
            "opts": self.opts,
            "firewall": firewall,
            "form": form,
            "preview": preview(firewall),
        }
        return TemplateResponse(request, "admin/firewalls/firewall/replace.html", context)
