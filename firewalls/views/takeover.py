"""What a firewall had before the product: shown before it is taken over, and given back."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from firewalls.models import Firewall, Push, Takeover
from firewalls.pushing import takeover as takeovers
from networks.common.htmx import page


def takeover(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What it has, what replaces it, and what stays beside it."""
    firewall = get_object_or_404(Firewall.objects.with_relations().with_state(), pk=pk)
    had = firewall.revisions.filter(number=takeovers.HAD).first()
    context = {
        "firewall": firewall,
        "had": had,
        "decision": Takeover.objects.filter(firewall=firewall).first(),
        "prospect": takeovers.prospect(firewall),
        "can_give_back": not takeovers.not_to_be_given_back(firewall, had),
    }
    return page(request, "firewalls/takeover.html", context)


@require_POST
def take_over(request: HttpRequest, pk: UUID) -> HttpResponse:
    firewall = _firewall(request, pk)
    seen = request.POST.get("seen", "")
    return _pushed(request, firewall, lambda by: takeovers.take_over(firewall, by, seen))


@require_POST
def give_back(request: HttpRequest, pk: UUID) -> HttpResponse:
    firewall = _firewall(request, pk)
    return _pushed(request, firewall, lambda by: takeovers.give_back(firewall, by))


def _pushed(request: HttpRequest, firewall: Firewall, act: Callable[[str], Push]) -> HttpResponse:
    """The push that follows from what somebody decided; or why there is none."""
    try:
        push = act(request.user.get_username())
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("firewalls:takeover", firewall.pk)
    return redirect("firewalls:push_detail", push.pk)


def _firewall(request: HttpRequest, pk: UUID) -> Firewall:
    if not request.user.has_perm("firewalls.add_push"):
        raise PermissionDenied("Taking a firewall over takes the role operator.")
    return get_object_or_404(Firewall.objects.with_relations(), pk=pk)
