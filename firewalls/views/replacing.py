"""Another box for a firewall."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from firewalls.forms import ReplaceForm
from firewalls.models import Firewall
from firewalls.pushing.replacing import preview
from networks.common.htmx import page


def replace_hardware(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How the new box is reached, and what became of the old one."""
    if not request.user.has_perm("firewalls.change_firewall"):
        raise PermissionDenied("Replacing the hardware of a firewall takes the role operator.")
    firewall = get_object_or_404(Firewall.objects.with_relations().with_state(), pk=pk)
    form = ReplaceForm(request.POST or None, initial={"port": firewall.port, "user": firewall.user})
    if form.replaces(firewall):
        messages.success(request, f"{firewall} has new hardware. Confirm its host key next.")
        return redirect("firewalls:host_key", pk)
    context = {"firewall": firewall, "form": form, "preview": preview(firewall)}
    status = 422 if form.errors else 200
    return page(request, "firewalls/replace.html", context, status=status)
