"""Asking for a push: what is known against it, when it may start, and what a person chooses."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from firewalls.configuration.cautions import Caution
from firewalls.configuration.diffs import unified
from firewalls.configuration.ways_in import Hazard
from firewalls.forms import PushForm
from firewalls.intent.flows import of_push
from firewalls.models import Drift, Firewall, Push, Revision
from firewalls.pushing import asking, cautions, lockout, windows
from firewalls.pushing.jobs import REACHED_BY
from firewalls.views.configuration import numbered
from networks.common.htmx import page


def push(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What may be chosen for a push; posted, the push, or what is in its way."""
    firewall = _firewall(request, pk)
    given = request.POST if request.method == "POST" else request.GET
    number = given.get("revision", "")
    revision = numbered(firewall, number) if number else None
    form = PushForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            by, wish = request.user.get_username(), form.wish()
            queued = asking.ask(firewall, by=by, revision=revision, wish=wish)
            return redirect("firewalls:push_detail", queued.pk)
        except ValidationError as error:
            form.refuse(error)
            firewall = _firewall(request, pk)  # it may have been freed meanwhile
    try:
        return _shown(request, firewall, revision, form)
    except ObjectDoesNotExist as error:  # went away with the firewall
        raise Http404(f"Firewall {pk} was freed meanwhile.") from error


def _shown(
    request: HttpRequest, firewall: Firewall, revision: Revision | None, form: PushForm
) -> HttpResponse:
    hazards = lockout.hazards_of(firewall, revision or firewall.wanted)
    context = {
        "firewall": firewall,
        "revision": revision,
        "form": form,
        "certain": [one for one in hazards if one.is_certain],
        "doubtful": [one for one in hazards if not one.is_certain],
        "cautions": _beyond(cautions.of(firewall), hazards),
        "rule": windows.rules([firewall]).of(firewall),
        "flows": of_push(firewall, revision),
        **_changes(firewall, revision or firewall.wanted),
    }
    status = 422 if form.errors else 200
    return page(request, "firewalls/ask_push.html", context, status=status)


def _changes(firewall: Firewall, revision: Revision | None) -> dict[str, object]:
    """What a push would change of what was applied last, and what it would undo on the firewall."""
    applied = firewall.observation.applied
    before, after = (one.files if one else {} for one in (applied, revision))
    drift = Drift.objects.filter(firewall=firewall).first()
    return {
        "applied": applied,
        "diffs": unified(before, after, "applied", "to be pushed"),
        "undone": drift.diffs if drift else {},
    }


def _beyond(known: list[Caution], hazards: list[Hazard]) -> list[Caution]:
    """What is not said as a hazard already."""
    codes = {hazard.code for hazard in hazards}
    return [one for one in known if one.code not in codes]


@require_POST
def start_now(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Have a push that waits for a maintenance window start all the same."""
    _may(request)
    waiting = get_object_or_404(Push.objects.select_related("firewall__machine"), pk=pk)
    by, reason = request.user.get_username(), request.POST.get("reason", "")
    try:
        asking.start_now(waiting, by=by, reason=reason)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("firewalls:push_detail", pk)


def _firewall(request: HttpRequest, pk: UUID) -> Firewall:
    _may(request)
    rows = Firewall.objects.with_relations().select_related(*REACHED_BY)
    return get_object_or_404(rows.with_state(), pk=pk)


def _may(request: HttpRequest) -> None:
    if not request.user.has_perm("firewalls.add_push"):
        raise PermissionDenied("Pushing takes the role operator.")
