"""Publishing, changing and removing an endpoint: first what would change, then the change."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from firewalls.intent.effects import Effect
from firewalls.models import Endpoint, Firewall
from firewalls.previews import amend_preview, publish_preview, withdraw_preview
from firewalls.publishing import amend, publish, withdraw
from firewalls.views.endpoints.form import EndpointForm
from networks.common.htmx import page

OWN = ("port", "protocol", "machine", "target_port", "purpose")


def publish_endpoint(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A form, then what publishing would change, then the publishing itself."""
    _may(request, "firewalls.add_endpoint")
    firewall = get_object_or_404(Firewall.objects.with_relations().with_state(), pk=pk)
    form = EndpointForm(firewall, request.POST or None, initial=_prefilled(request, firewall))
    context = {"firewall": firewall, "form": form}
    if form.is_bound and form.is_valid():
        try:
            if request.POST.get("shown") == form.words:
                made = publish(**form.wish, by=request.user.get_username())
                return _done(request, made, f"{made} is published on {made.firewall.name}.")
            context |= _foreseen(publish_preview(form.wish), form)
        except ValidationError as error:
            form.add_error(None, error)
    return _page(request, "firewalls/endpoints/publish.html", context)


def endpoint_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """An endpoint; for those who may change it, as a form."""
    endpoint = _endpoint(pk)
    firewall = Firewall.objects.with_relations().with_state().get(pk=endpoint.firewall.pk)
    form = EndpointForm(firewall, request.POST or None, instance=_endpoint(pk))
    context = {"firewall": firewall, "endpoint": endpoint, "form": form}
    if request.method == "POST":
        _may(request, "firewalls.change_endpoint")
    if form.is_bound and form.is_valid():
        try:
            if request.POST.get("shown") == form.words:
                changed = amend(_endpoint(pk), **form.wish, by=request.user.get_username())
                return _done(request, changed, f"{changed} is changed.")
            context |= _foreseen(amend_preview(_endpoint(pk), form.wish), form)
        except ValidationError as error:
            form.add_error(None, error)
    return _page(request, "firewalls/endpoints/detail.html", context)


def remove_endpoint(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What ends with it; posted, the removal itself."""
    _may(request, "firewalls.delete_endpoint")
    endpoint = _endpoint(pk)
    firewall = endpoint.firewall
    if request.method == "POST":
        sentence = f"{endpoint} is removed from {firewall.name}."
        withdraw(endpoint, by=request.user.get_username())
        messages.success(request, f"{sentence} Its configuration waits to be pushed.")
        return redirect("firewalls:detail", firewall.pk)
    diffs = withdraw_preview(endpoint).diffs()
    context = {"endpoint": _endpoint(pk), "firewall": firewall, "diffs": diffs.pop(firewall, {})}
    return page(request, "firewalls/endpoints/remove.html", {**context, "others": diffs})


def _prefilled(request: HttpRequest, firewall: Firewall) -> dict[str, Any]:
    """What a link that leads here has said already; of a network, the firewall's address there."""
    prefilled: dict[str, Any] = {name: request.GET[name] for name in OWN if name in request.GET}
    network = request.GET.get("network", "").replace("\0", "")
    if network:
        own = firewall.machine.addresses.filter(prefix__network=network).order_by("address")
        prefilled["address"] = own.values_list("pk", flat=True).first()
    return prefilled


def _foreseen(effect: Effect[None], form: EndpointForm) -> dict[str, Any]:
    """What changes on the firewall that it is on then, and on others besides."""
    diffs = effect.diffs()
    own = diffs.pop(form.wish["firewall"], {})
    return {"previewed": True, "diffs": own, "others": diffs}


def _done(request: HttpRequest, endpoint: Endpoint, sentence: str) -> HttpResponse:
    messages.success(request, f"{sentence} Its configuration waits to be pushed.")
    return redirect("firewalls:endpoint", endpoint.pk)


def _page(request: HttpRequest, template: str, context: Mapping[str, Any]) -> HttpResponse:
    status = 422 if context["form"].errors else 200
    return page(request, template, dict(context), status=status)


def _endpoint(pk: UUID) -> Endpoint:
    rows = Endpoint.objects.with_relations().select_related("address__machine__firewall__machine")
    return get_object_or_404(rows, pk=pk)


def _may(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied("Publishing and removing endpoints takes the role operator.")
