"""What workers saw on a firewall: its host key, to be judged, and its drift, to be accepted."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from firewalls import tasks
from firewalls.models import Drift, Firewall, Needs
from firewalls.pushing import drift as drifts
from firewalls.pushing import hostkeys
from firewalls.pushing.jobs import REACHED_BY, access_of
from networks.common.htmx import page


def host_key(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The pinned key and the one shown; posted, the fingerprint that somebody has compared."""
    rows = Firewall.objects.with_relations().with_state().select_related(*REACHED_BY)
    firewall = get_object_or_404(rows, pk=pk)
    typed = request.POST.get("fingerprint", "")
    errors = []
    if request.method == "POST":
        _may(request)
        try:
            return _confirmed(request, firewall, typed)
        except ValidationError as error:
            errors = error.messages
    context = {"errors": errors, "typed": typed, **_connection(firewall)}
    status = 422 if errors else 200
    return page(request, "firewalls/host_key.html", context, parts={"needs"}, status=status)


@require_POST
def needs(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Have it looked at what is missing there for a push, as the firewall itself says."""
    _may(request)
    firewall = get_object_or_404(Firewall.objects.with_relations(), pk=pk)
    tasks.ask_needs(firewall)
    return redirect("firewalls:host_key", pk)


def _connection(firewall: Firewall) -> dict[str, object]:
    """The firewall, its host keys, and what it was seen to need."""
    return {
        "firewall": firewall,
        "way": access_of(firewall),
        "needs": Needs.objects.filter(firewall=firewall).first(),
        "pinned": hostkeys.fingerprint_of(firewall.host_key),
        "offered": hostkeys.fingerprint_of(firewall.unjudged_key),
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
        drifts.accept(firewall, request.user.get_username(), request.POST.get("seen", ""))
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
