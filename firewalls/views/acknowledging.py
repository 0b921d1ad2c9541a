"""Acknowledging a cause of trouble: until when, with a note."""

from datetime import timedelta

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from firewalls.forms import AcknowledgeForm
from firewalls.models import Acknowledgement
from firewalls.pushing import acknowledging
from firewalls.pushing.causes import Cause
from networks.common.htmx import page

FOR_NOW = timedelta(hours=4)  # what the form offers


def acknowledge(request: HttpRequest) -> HttpResponse:
    """The cause that the address names, and a form; posted, the acknowledgement."""
    _may(request, "firewalls.add_acknowledgement")
    state, reason = request.GET.get("state", ""), request.GET.get("reason", "")
    cause = acknowledging.cause_of(state, reason)
    if cause is None:
        messages.info(request, "No firewall is in this trouble any more.")
        return redirect("firewalls:overview")
    form = AcknowledgeForm(request.POST or None, initial=_as_it_is(cause))
    if form.is_valid() and _acknowledged(request, cause, form):
        return redirect("firewalls:overview")
    context = {"cause": cause, "more": cause.firewalls - len(cause.examples), "form": form}
    status = 422 if form.errors else 200
    return page(request, "firewalls/acknowledge.html", context, status=status)


def _as_it_is(cause: Cause) -> dict[str, str]:
    """What the form begins with."""
    known = cause.acknowledgement
    until = known.until if known else timezone.now() + FOR_NOW
    return {"note": known.note if known else "", "until": f"{until:%Y-%m-%dT%H:%M}"}


def _acknowledged(request: HttpRequest, cause: Cause, form: AcknowledgeForm) -> bool:
    by = request.user.get_username()
    try:
        row = acknowledging.acknowledge(cause.state, cause.reason, by=by, **form.cleaned_data)
    except ValidationError as error:
        form.refuse(error)
        return False
    until = f"{row.until:%d %B %Y, %H:%M} UTC"
    messages.success(request, f"Acknowledged until {until}: {cause.sentence}.")
    return True


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    _may(request, "firewalls.delete_acknowledgement")
    get_object_or_404(Acknowledgement, pk=pk).delete()
    messages.success(request, "The acknowledgement has ended.")
    return redirect("firewalls:overview")


def _may(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied("Acknowledging a cause takes the role operator.")
