"""What a firewall had before the product: shown before it is taken over, and given back."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from firewalls.models import Firewall, Takeover
from firewalls.pushing import takeover as takeovers
from networks.common.htmx import page


def takeover(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What it has, what replaces it, and what stays beside it."""
    return _shown(request, pk)


def _shown(request: HttpRequest, pk: UUID, errors: Sequence[str] = ()) -> HttpResponse:
    """The page; with the reasons why it is not given back, if that was refused."""
    firewall = get_object_or_404(Firewall.objects.with_relations().with_state(), pk=pk)
    had = firewall.revisions.filter(number=takeovers.HAD).first()
    context = {
        "firewall": firewall,
        "had": had,
        "decision": Takeover.objects.filter(firewall=firewall).first(),
        "prospect": takeovers.prospect(firewall),
        "can_give_back": not takeovers.not_to_be_given_back(firewall, had),
        "errors": errors,
    }
    return page(request, "firewalls/takeover.html", context, status=422 if errors else 200)


@require_POST
def take_over(request: HttpRequest, pk: UUID) -> HttpResponse:
    firewall = _firewall(request, pk)
    seen = request.POST.get("seen", "")
    try:
        push = takeovers.take_over(firewall, request.user.get_username(), seen)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("firewalls:takeover", pk)
    return redirect("firewalls:push_detail", push.pk)


@require_POST
def give_back(request: HttpRequest, pk: UUID) -> HttpResponse:
    firewall = _firewall(request, pk)
    by, confirm = request.user.get_username(), request.POST.get("confirm", "")
    try:
        push = takeovers.give_back(firewall, by, confirm)
    except ValidationError as error:
        return _shown(request, pk, error.messages)
    return redirect("firewalls:push_detail", push.pk)


def _firewall(request: HttpRequest, pk: UUID) -> Firewall:
    if not request.user.has_perm("firewalls.add_push"):
        raise PermissionDenied("Taking a firewall over takes the role operator.")
    return get_object_or_404(Firewall.objects.with_relations(), pk=pk)
