"""What workers saw on a firewall: its host key, to be judged, and its drift, to be accepted."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from firewalls import tasks
from firewalls.device.transport import TransportError
from firewalls.models import Drift, Firewall
from firewalls.pushing import drift as drifts
from firewalls.pushing import hostkeys
from firewalls.pushing import needs as needs_now
from networks.common.htmx import page


def host_key(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The pinned key and the one shown; posted, the fingerprint that somebody has compared."""
    firewall = get_object_or_404(Firewall.objects.with_relations().with_state(), pk=pk)
    typed = request.POST.get("fingerprint", "")
    errors = []
    if request.method == "POST":
        _may(request)
        try:
            return _confirmed(request, firewall, typed)
        except ValidationError as error:
            errors = error.messages
    context = {"errors": errors, "typed": typed, **_connection(firewall)}
    return page(request, "firewalls/host_key.html", context, status=422 if errors else 200)


@require_POST
def needs(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What is missing there for a push, as the firewall itself says now."""
    _may(request)
    firewall = get_object_or_404(Firewall.objects.with_relations().with_state(), pk=pk)
    context: dict[str, object] = _connection(firewall)
    try:
        context["needs"] = needs_now.look(firewall)
    except TransportError as error:
        context["silence"] = str(error)
    return page(request, "firewalls/host_key.html", context)


def _connection(firewall: Firewall) -> dict[str, object]:
    """The firewall and its host keys."""
    return {
        "firewall": firewall,
        "pinned": hostkeys.fingerprint_of(firewall.host_key),
        "offered": hostkeys.fingerprint_of(firewall.offered_key),
    }


def _confirmed(request: HttpRequest, firewall: Firewall, fingerprint: str) -> HttpResponse:
    hostkeys.confirm(firewall, fingerprint)
    messages.success(
        request, f"The host key of {firewall} is pinned. No other one is accepted from now on."
    )
    return redirect("firewalls:detail", firewall.pk)


@require_POST
def dismiss_key(request: HttpRequest, pk: UUID) -> HttpResponse:
    _may(request)
    firewall = get_object_or_404(Firewall.objects.with_relations(), pk=pk)
    hostkeys.dismiss(firewall)
    tasks.inspect_soon([firewall])
    messages.info(request, f"The pinned key of {firewall} stays. It is being looked at again.")
    return redirect("firewalls:host_key", pk)


def drift(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What differs on the firewall from what was applied."""
    firewall = get_object_or_404(Firewall.objects.with_relations().with_state(), pk=pk)
    row = Drift.objects.filter(firewall=firewall).first()
    context = {"firewall": firewall, "drift": row, "diffs": row.diffs if row else {}}
    return page(request, "firewalls/drift.html", context)


@require_POST
def accept_drift(request: HttpRequest, pk: UUID) -> HttpResponse:
    _may(request)
    firewall = get_object_or_404(Firewall.objects.with_relations(), pk=pk)
    try:
        drifts.accept(firewall, by=request.user.get_username())
        messages.success(
            request,
            f"What is on {firewall} is accepted until something changes there again, or is pushed.",
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("firewalls:drift", pk)


def _may(request: HttpRequest) -> None:
    if not request.user.has_perm("firewalls.add_push"):
        raise PermissionDenied("Judging what was seen on a firewall takes the role operator.")
