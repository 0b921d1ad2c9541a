"""Rollouts: listed, chosen and started, and held, stopped or taken back."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from firewalls.forms.rolling_out import RolloutForm
from firewalls.models import Rollout
from firewalls.pushing import rollouts, windows
from firewalls.pushing.actions import ACTIONS
from firewalls.views import rollout_choice
from networks.common.htmx import page
from networks.common.lists import PER_PAGE, Filter, listing, tidy

SORTS = {"-started": "-created_at", "started": "created_at", "state": "state", "by": "created_by"}
LIST_FILTERS: dict[str, Filter] = {
    "state": lambda rows, value: rows.filter(state=value),
    "q": lambda rows, value: rows.filter(
        Q(cause__icontains=value) | Q(created_by__icontains=value)
    ),
}


@tidy
def rollout_list(request: HttpRequest) -> HttpResponse:
    context = {
        "listing": listing(request, Rollout.objects.with_progress(), LIST_FILTERS, SORTS),
        "states": Rollout.State,
    }
    return page(request, "firewalls/rollouts.html", context)


@tidy
def rollout_new(request: HttpRequest) -> HttpResponse:
    """Which firewalls were chosen, and in which waves; posted, the start with exactly those."""
    _may(request)
    if request.method == "POST":
        firewalls, changes = rollout_choice.shown(request.POST.get("shown", ""))
        form = RolloutForm(request.POST, changes=changes)
    else:
        firewalls, cause = rollout_choice.chosen(request)
        form = RolloutForm(initial={"cause": cause})
    if form.is_valid():
        try:
            rollout = rollouts.start(firewalls, by=_by(request), **form.wishes())
            return redirect("firewalls:rollout_detail", rollout.pk)
        except ValidationError as error:
            form.refuse(error)
    context = {
        "firewalls": rollout_choice.on_page(firewalls[:PER_PAGE]),
        "shown": rollout_choice.words(firewalls),
        "count": len(firewalls),
        "form": form,
        "sizes": form.preview(len(firewalls)),
        "windows": windows.rules([firewall.pk for firewall in firewalls]).bind(firewalls),
    }
    return page(request, "firewalls/rollout_new.html", context, status=422 if form.errors else 200)


@require_POST
def rollout_action(request: HttpRequest, pk: UUID, action: str) -> HttpResponse:
    _may(request)
    rollout = get_object_or_404(Rollout, pk=pk)
    try:
        rollout = ACTIONS[action].act(rollout, _by(request)) or rollout
        messages.success(request, ACTIONS[action].done)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("firewalls:rollout_detail", rollout.pk)


def roll_back(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Which firewalls would go back, and to what: asked before it is done."""
    _may(request)
    rollout = get_object_or_404(Rollout, pk=pk)
    changed = rollouts.changed_by(rollout)
    context = {
        "rollout": rollout,
        "count": changed.count(),
        "members": changed[:PER_PAGE],
    }
    return page(request, "firewalls/roll_back.html", context)


@require_POST
def start_now(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Have a rollout that waits for a maintenance window go on all the same."""
    _may(request)
    rollout = get_object_or_404(Rollout, pk=pk)
    try:
        rollouts.start_now(rollout, _by(request), request.POST.get("reason", ""))
        messages.success(request, "It goes on now, also outside of maintenance windows.")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("firewalls:rollout_detail", rollout.pk)


def _may(request: HttpRequest) -> None:
    if not request.user.has_perm("firewalls.add_push"):
        raise PermissionDenied("Pushing takes the role operator.")


def _by(request: HttpRequest) -> str:
    return request.user.get_username()
