"""Freeing a firewall, and what becomes of it while it may still run."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from firewalls import tasks
from firewalls.allocation import free_firewall
from firewalls.device.applier.kept import NOTHING_KEPT
from firewalls.models import Endpoint, Firewall, Retired
from firewalls.previews import free_preview
from firewalls.pushing import retiring, takeover
from firewalls.pushing.jobs import access_of, target_of
from networks.common.htmx import page, target
from networks.common.lists import PER_PAGE
from networks.models import Activity, Carried


def free(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What freeing it means; posted with its name, the freeing."""
    _may(request)
    firewall = get_object_or_404(Firewall.objects.with_relations().with_state(), pk=pk)
    errors = []
    if request.method == "POST":
        if request.POST.get("confirm") == firewall.name:
            return _freed(request, firewall)
        errors = [f"Type {firewall.name} to free it. Nothing was done."]
    others, refused = _foreseen(firewall)
    context = {
        "firewall": firewall,
        "others": others,
        "refused": refused,
        "carried": Carried.objects.filter(box=firewall.pk),
        "endpoints": Endpoint.objects.of(firewall).with_relations(),
        "keeps": _keeps_what_it_had(firewall),
        "errors": errors,
    }
    return page(request, "firewalls/free.html", context, status=422 if errors else 200)


def _foreseen(firewall: Firewall) -> tuple[dict[Firewall, dict[str, str]], str]:
    """What changes on its siblings once it is freed; and why it is not, where it must not be."""
    try:
        return free_preview(firewall).diffs(), ""
    except ValidationError as error:
        return {}, " ".join(error.messages)


def _keeps_what_it_had(firewall: Firewall) -> bool:
    """Whether it is known what it had before it was pushed to; it keeps that itself, then."""
    return firewall.revisions.filter(number=takeover.HAD).exists()


def _freed(request: HttpRequest, firewall: Firewall) -> HttpResponse:
    by, keeps = request.user.get_username(), _keeps_what_it_had(firewall)
    try:
        retired = free_firewall(firewall, by=by)
        if retired is None:
            messages.success(request, f"{firewall} was freed. Nothing of ours is on it.")
            return redirect("firewalls:list")
        if request.POST.get("take_off") and retired.host:
            tasks.ask_to_take_off(retired, by, leaves_empty=not keeps)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("firewalls:free", firewall.pk)
    messages.success(request, f"{retired} was freed. What it may still have is kept back.")
    return redirect("firewalls:retired", retired.pk)


def retired_list(request: HttpRequest) -> HttpResponse:
    """The firewalls that were freed and may still run."""
    rows = Retired.objects.defer("files", "steps").with_reserved()
    context = {"retired": Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))}
    return page(request, "firewalls/retired_list.html", context)


def box(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The page of this firewall, which may have been freed."""
    is_there = Firewall.objects.filter(pk=pk).exists()
    return redirect("firewalls:detail" if is_there else "firewalls:retired", pk)


def box_gone(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Where somebody says that this box is gone: one that was freed, or that is to be replaced."""
    if Firewall.objects.filter(pk=pk).exists():
        return redirect("firewalls:replace", pk)
    return redirect(f"{reverse('firewalls:retired', args=[pk])}#gone")


def retired(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What it may still have, what it was seen to run, and how that ends."""
    return _shown(request, pk)


def _shown(request: HttpRequest, pk: UUID, errors: list[str] | None = None) -> HttpResponse:
    row = Retired.objects.with_reserved().filter(pk=pk).first()
    ended = Activity.objects.filter(about__contains=[f"retired:{pk}"], verb="removed").first()
    if row is None and ended is None:
        raise Http404
    context = {
        "retired": row,
        "ended": ended,
        "carried": row.carried if row else (),
        "target": target_of(row) if row else None,
        "way": access_of(row) if row else None,
        "errors": errors or [],
        "nothing_kept": bool(row and NOTHING_KEPT in row.error),
    }
    status = 422 if errors else 200
    answer = page(request, "firewalls/retired.html", context, parts={"ending"}, status=status)
    if target(request) == "ending" and not (row and row.is_open):
        answer["HX-Refresh"] = "true"  # What is offered beside it is over, or is offered again.
    return answer


@require_POST
def take_off(request: HttpRequest, pk: UUID) -> HttpResponse:
    _may(request)
    row = Retired.objects.filter(pk=pk).first()
    if row is None:
        return _shown(request, pk)
    try:
        leaves_empty = bool(request.POST.get("empty"))
        tasks.ask_to_take_off(row, request.user.get_username(), leaves_empty=leaves_empty)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("firewalls:retired", pk)


@require_POST
def gone(request: HttpRequest, pk: UUID) -> HttpResponse:
    _may(request)
    row = Retired.objects.filter(pk=pk).first()
    if row is None:
        return _shown(request, pk)
    try:
        retiring.gone(row, request.POST.get("confirm", ""))
    except ValidationError as error:
        return _shown(request, pk, error.messages)
    messages.success(request, f"{row} is gone. What it had is free again.")
    return redirect("firewalls:retired_list")


def _may(request: HttpRequest) -> None:
    if not request.user.has_perm("firewalls.delete_firewall"):
        raise PermissionDenied("Freeing firewalls takes the role operator.")
