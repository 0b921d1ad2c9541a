"""Joining a shared or external network, and leaving it: first what would change, then the change."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from firewalls import allocation
from firewalls.forms import JoinForm, LeaveForm
from firewalls.intent import effects
from firewalls.models import Firewall, Push
from networks.common.htmx import page
from networks.common.lists import PER_PAGE
from networks.models import Network


def join_firewall(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Which networks this firewall may join, and why not the others."""
    firewall = _firewall(request, pk)
    return page(
        request,
        "firewalls/join.html",
        {"firewall": firewall, "choices": effects.join_choices(firewall)},
    )


def join_network(request: HttpRequest, pk: str) -> HttpResponse:
    """Which firewalls may join this network, and why not the others."""
    _may(request, "firewalls.add_attachment")
    network = get_object_or_404(Network, pk=pk)
    asked = request.GET.get("q", "").replace("\0", "").strip()
    choices = Paginator(effects.firewall_choices(network, asked), PER_PAGE)
    context = {
        "network": network,
        "choices": choices.get_page(request.GET.get("page")),
        "asked": asked,
    }
    return page(request, "firewalls/join_network.html", context)


def confirm_join(request: HttpRequest, pk: UUID, network: str) -> HttpResponse:
    """What joining would change, for the addresses given so far; and, posted, the joining itself."""
    firewall, joined = (
        _firewall(request, pk),
        get_object_or_404(Network.objects.prefetch_related("prefixes"), pk=network),
    )
    form, preview = (
        JoinForm(
            request.POST if request.method == "POST" else {"push": "on", **request.GET.dict()}
        ),
        None,
    )
    if form.is_valid():
        addresses, by = form.cleaned_data["addresses"], request.user.get_username()
        try:
            if request.method == "POST":
                allocation.join(firewall, joined, addresses=addresses, by=by)
                return _done(
                    request, firewall, f"{firewall} joined {joined}", form.cleaned_data["push"]
                )
            preview = effects.join_preview(firewall, joined, addresses=addresses)
        except ValidationError as error:
            form.refuse(error)
    context = {"firewall": firewall, "network": joined, "form": form, "preview": preview}
    return page(request, "firewalls/confirm_join.html", context, status=200 if preview else 422)


def confirm_leave(request: HttpRequest, pk: UUID, network: str) -> HttpResponse:
    _may(request, "firewalls.delete_attachment")
    firewall, left = _firewall(request, pk), get_object_or_404(Network, pk=network)
    form, preview, refused = LeaveForm(request.POST if request.method == "POST" else None), None, ""
    try:
        if request.method == "POST" and form.is_valid():
            allocation.leave(firewall, left, by=request.user.get_username())
            return _done(request, firewall, f"{firewall} left {left}", form.cleaned_data["push"])
        preview = effects.leave_preview(firewall, left)
    except ValidationError as error:
        refused = " ".join(error.messages)
    context = {
        "firewall": firewall,
        "network": left,
        "form": form,
        "preview": preview,
        "refused": refused,
    }
    return page(request, "firewalls/confirm_leave.html", context, status=422 if refused else 200)


def _done(request: HttpRequest, firewall: Firewall, sentence: str, push: bool) -> HttpResponse:
    """Say so, and go where it is pushed, or back to the firewall where it waits."""
    if push and firewall.host and request.user.has_perm("firewalls.add_push"):
        messages.success(request, f"{sentence}. Its configuration is on the way.")
        return redirect(
            "firewalls:push_detail",
            Push.objects.enqueue(firewall, by=request.user.get_username()).pk,
        )
    messages.success(request, f"{sentence}. Its configuration waits to be pushed.")
    return redirect("firewalls:detail", firewall.pk)


def _firewall(request: HttpRequest, pk: UUID) -> Firewall:
    _may(request, "firewalls.add_attachment")
    return get_object_or_404(Firewall.objects.with_relations().with_state(), pk=pk)


def _may(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied("Joining and leaving networks takes the role operator.")
