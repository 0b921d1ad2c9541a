"""Joining and leaving networks: first what would change, then the change."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from firewalls.allocation import join, leave
from firewalls.forms import JoinForm, LeaveForm
from firewalls.intent.choices import Choice, firewall_choices, network_choices
from firewalls.intent.consumers import common_families
from firewalls.intent.effects import Effect
from firewalls.intent.flows import flows
from firewalls.models import Endpoint, Firewall
from firewalls.previews import join_preview, leave_preview
from firewalls.pushing.asking import ask
from firewalls.views.reachability.back import question
from networks.common.addressing import IP
from networks.common.htmx import page
from networks.common.lists import PER_PAGE
from networks.models import Network


def join_firewall(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Which networks this firewall may join, and why not the others."""
    firewall = _firewall(request, pk)
    query = _typed(request)
    context = {
        "firewall": firewall,
        **_choosable(request, network_choices(firewall, query), query),
    }
    return page(request, "firewalls/join.html", context)


def _typed(request: HttpRequest) -> str:
    return request.GET.get("q", "").replace("\0", "").strip()


def _choosable(request: HttpRequest, known: Sequence[Choice[Any]], query: str) -> dict[str, Any]:
    """A page of what may be joined; the rest, with reasons, where it is asked for or searched."""
    with_reasons = bool(query) or "why" in request.GET
    shown = [one for one in known if one.allowed or with_reasons]
    return {
        "query": query,
        "may_join": sum(one.allowed for one in known),
        "choices": Paginator(shown, PER_PAGE).get_page(request.GET.get("page")),
        "closed": 0 if with_reasons else len(known) - len(shown),
    }


def join_network(request: HttpRequest, pk: str) -> HttpResponse:
    """Which firewalls may join this network, and why not the others."""
    _may(request, "firewalls.add_attachment")
    network = get_object_or_404(Network, pk=pk)
    query = _typed(request)
    context = _choosable(request, firewall_choices(network, query), query)
    context["choices"].object_list = _with_states(context["choices"].object_list)
    return page(request, "firewalls/join_network.html", {"network": network, **context})


def _with_states(choices: Iterable[Choice[Firewall]]) -> list[Choice[Firewall]]:
    """These with the states of their firewalls, as far as they are there."""
    shown = list(choices)
    known = Firewall.objects.with_places().with_state().in_bulk([one.item.pk for one in shown])
    return [one._replace(item=known[one.item.pk]) for one in shown if one.item.pk in known]


def confirm_join(request: HttpRequest, pk: UUID, network: str) -> HttpResponse:
    """What joining would change, for the addresses given so far; posted, the joining itself."""
    firewall = _firewall(request, pk)
    joined = get_object_or_404(Network.objects.prefetch_related("prefixes"), pk=network)
    posted = request.method == "POST"
    form = JoinForm(request.POST if posted else {"push": "on", **request.GET.dict()})
    context = {"firewall": firewall, "network": joined, "form": form}
    if form.is_valid():
        try:
            if posted and (unseen := _not_previewed(request)):
                return redirect(unseen)
            if posted:
                return _join(request, firewall, joined, form)
            effect = join_preview(firewall, joined, addresses=form.cleaned_data["addresses"])
            context |= _shown(effect, firewall)
            context |= _seen_as(firewall, joined, effect.result)
        except ValidationError as error:
            form.refuse(error)
    status = 422 if form.errors else 200
    return page(request, "firewalls/confirm_join.html", context, status=status)


def _not_previewed(request: HttpRequest) -> str:
    """Where what was typed is shown before it is done, if something else was shown so far."""
    typed = request.POST.get("addresses", "")
    asked = "preview" in request.POST
    if not asked and request.POST.get("previewed", typed).split() == typed.split():
        return ""
    if not asked:
        messages.info(request, "Another address was typed: look at what changes with it, and join.")
    query = request.GET.copy()
    query["addresses"] = typed
    return f"{request.path}?{query.urlencode()}"


def _seen_as(firewall: Firewall, network: Network, addresses: Iterable[IP]) -> dict[str, object]:
    """As whom its machines would be seen there, by the families in which anything can flow."""
    versions = common_families(firewall.primary, network)
    hides = network.shared or network.nat
    seen_as = [address for address in addresses if hides and address.version in versions]
    return {"versions": versions, "hides": hides, "seen_as": seen_as}


def _join(
    request: HttpRequest, firewall: Firewall, network: Network, form: JoinForm
) -> HttpResponse:
    addresses = form.cleaned_data["addresses"]
    join(firewall, network, addresses=addresses, by=request.user.get_username())
    return done(request, firewall, f"{firewall} joined {network}", form.cleaned_data["push"])


def confirm_leave(request: HttpRequest, pk: UUID, network: str) -> HttpResponse:
    """What leaving would change; posted, the leaving itself."""
    _may(request, "firewalls.delete_attachment")
    firewall = _firewall(request, pk)
    left = get_object_or_404(Network, pk=network)
    form = LeaveForm(request.POST if request.method == "POST" else None)
    context: dict[str, object] = {"firewall": firewall, "network": left, "form": form}
    try:
        if form.is_valid():
            leave(firewall, left, by=request.user.get_username())
            sentence = f"{firewall} left {left}"
            return done(request, firewall, sentence, form.cleaned_data["push"])
        context |= _shown(leave_preview(firewall, left), firewall)
    except ValidationError as error:
        context["refused"] = " ".join(error.messages)
        published = Endpoint.objects.of(firewall).filter(address__prefix__network=left)
        context["endpoints"] = published.with_relations()
    status = 422 if "refused" in context else 200
    return page(request, "firewalls/confirm_leave.html", context, status=status)


def _shown(effect: Effect[tuple[IP, ...]], firewall: Firewall) -> dict[str, object]:
    """The firewall's addresses there, what changes on it, and what changes on others besides."""
    diffs = effect.diffs()
    shown = {"addresses": effect.result, "flows": flows(effect)}
    return {**shown, "diffs": diffs.pop(firewall, {}), "others": diffs}


def done(request: HttpRequest, firewall: Firewall, sentence: str, push: bool) -> HttpResponse:
    """Say so, and go back to the question that led here, or where it is pushed, or waits."""
    back = question(request)
    if push and firewall.host and request.user.has_perm("firewalls.add_push"):
        try:
            queued = ask(firewall, by=request.user.get_username())
        except ValidationError as error:
            messages.error(request, f"{sentence}. It is not pushed: {' '.join(error.messages)}")
            return redirect(back or reverse("firewalls:detail", args=[firewall.pk]))
        messages.success(request, f"{sentence}. Its configuration is on the way.")
        return redirect(back or reverse("firewalls:push_detail", args=[queued.pk]))
    messages.success(request, f"{sentence}. Its configuration waits to be pushed.")
    return redirect(back or reverse("firewalls:detail", args=[firewall.pk]))


def _firewall(request: HttpRequest, pk: UUID) -> Firewall:
    _may(request, "firewalls.add_attachment")
    return get_object_or_404(Firewall.objects.with_relations().with_state(), pk=pk)


def _may(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied("Joining and leaving networks takes the role operator.")
