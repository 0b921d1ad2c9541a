"""When pushes start: holds, maintenance windows, and how many run at once."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from firewalls.forms import HoldForm, LimitForm, WindowForm
from firewalls.models import Firewall, Window
from firewalls.pushing import holding, limits
from networks.common.htmx import page
from networks.models import Partition


def firewall(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Whether a firewall is held, and the windows that it goes by; posted, a window of its own."""
    row = _firewall(pk)
    form = _window_form(request, Window(firewall=row))
    if form.is_bound and form.is_valid():
        form.save()
        return redirect("firewalls:when", pk)
    return _firewall_page(request, row, HoldForm(initial=_hold_now(row)), form)


def _hold_now(row: Firewall) -> dict[str, str]:
    """Its hold, as the form has it."""
    if row.held is None:
        return {}
    until = row.held.until
    return {"reason": row.held.reason, "until": f"{until:%Y-%m-%dT%H:%M}" if until else ""}


def _firewall_page(
    request: HttpRequest, row: Firewall, hold: HoldForm, window: WindowForm
) -> HttpResponse:
    own = list(row.windows.all())
    context = {
        "firewall": row,
        "windows": own or list(row.partition.windows.all()),
        "are_own": bool(own),
        "here": reverse("firewalls:when", args=[row.pk]),
        "hold_form": hold,
        "window_form": window,
    }
    status = 422 if hold.errors or window.errors else 200
    return page(request, "firewalls/when.html", context, status=status)


@require_POST
def hold(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Have no push to it start."""
    _may(request, "firewalls.add_hold", "Holding a firewall takes the role operator.")
    row = _firewall(pk)
    form = HoldForm(request.POST)
    if form.is_valid():
        try:
            holding.hold(row, by=request.user.get_username(), **form.cleaned_data)
            messages.success(request, f"{row} is held: no push to it starts.")
            return redirect("firewalls:when", pk)
        except ValidationError as error:
            form.refuse(error)
    return _firewall_page(request, row, form, WindowForm(instance=Window(firewall=row)))


@require_POST
def end_hold(request: HttpRequest, pk: UUID) -> HttpResponse:
    _may(request, "firewalls.delete_hold", "Ending a hold takes the role operator.")
    row = _firewall(pk)
    try:
        holding.end(row)
        messages.success(request, f"{row} is held no more.")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("firewalls:when", pk)


def partition(request: HttpRequest, pk: str) -> HttpResponse:
    """The windows and the limit of a partition; posted, a further window."""
    row = get_object_or_404(Partition, pk=pk)
    form = _window_form(request, Window(partition=row))
    if form.is_bound and form.is_valid():
        form.save()
        return redirect("firewalls:partition_when", pk)
    return _partition_page(request, row, LimitForm(instance=row), form)


def _partition_page(
    request: HttpRequest, row: Partition, limit: LimitForm, window: WindowForm
) -> HttpResponse:
    context = {
        "partition": row,
        "windows": list(row.windows.all()),
        "are_own": True,
        "here": reverse("firewalls:partition_when", args=[row.pk]),
        "running": limits.running([row.pk]).get(row.pk, 0),
        "held": Firewall.objects.held().filter(machine__partition=row).count(),
        "limit_form": limit,
        "window_form": window,
    }
    status = 422 if limit.errors or window.errors else 200
    return page(request, "firewalls/partition_when.html", context, status=status)


@require_POST
def limit(request: HttpRequest, pk: str) -> HttpResponse:
    """How many pushes run at once in a partition."""
    _may(request, "networks.change_partition", "Changing a partition takes the role admin.")
    row = get_object_or_404(Partition, pk=pk)
    form = LimitForm(request.POST, instance=row)
    if form.is_valid():
        form.save()
        return redirect("firewalls:partition_when", pk)
    return _partition_page(request, row, form, WindowForm(instance=Window(partition=row)))


@require_POST
def remove_window(request: HttpRequest, pk: int) -> HttpResponse:
    _may(request, "firewalls.delete_window", "Changing maintenance windows takes the role admin.")
    row = get_object_or_404(Window, pk=pk)
    row.delete()
    if row.firewall_id:
        return redirect("firewalls:when", row.firewall_id)
    return redirect("firewalls:partition_when", str(row.partition_id))


def _window_form(request: HttpRequest, window: Window) -> WindowForm:
    if request.method != "POST":
        return WindowForm(instance=window)
    _may(request, "firewalls.add_window", "Changing maintenance windows takes the role admin.")
    return WindowForm(request.POST, instance=window)


def _firewall(pk: UUID) -> Firewall:
    rows: Any = Firewall.objects.with_relations().with_state()
    row: Firewall = get_object_or_404(rows, pk=pk)
    return row


def _may(request: HttpRequest, permission: str, sentence: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied(sentence)
