"""Marking a network as shared, and who uses it."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from firewalls.forms import ShareForm
from firewalls.intent import effects
from networks.common.htmx import page
from networks.models import Network


def share(request: HttpRequest, pk: str) -> HttpResponse:
    """What sharing would change; and, with the network's name typed, the sharing itself. There is no way back."""
    network = get_object_or_404(Network.objects.select_related("partition", "project"), pk=pk)
    form = ShareForm(network, request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return page(request, "firewalls/share.html", _context(network, form))
    if not request.user.has_perm("networks.share_network"):
        raise PermissionDenied("Sharing a network takes the role admin.")
    if form.is_valid():
        try:
            network.share(request.user.get_username(), form.cleaned_data["reason"])
        except ValidationError as error:
            form.add_error(
                None, [message for messages in error.message_dict.values() for message in messages]
            )
        else:
            return redirect("networks:detail", network.pk)
    return page(request, "firewalls/share.html", _context(network, form), status=422)


def _context(network: Network, form: ShareForm) -> dict[str, object]:
    effect = effects.share_effect(network)
    projects = {bridge.firewall.machine.project_id for bridge in effect.could_join}
    return {"network": network, "form": form, "effect": effect, "projects": projects}


def consumers(request: HttpRequest, pk: str) -> HttpResponse:
    """The firewalls that joined the network, with the address each hides behind."""
    network = get_object_or_404(Network, pk=pk)
    return page(
        request,
        "firewalls/consumers.html",
        {"network": network, "consumers": effects.consumers(network)},
        parts={"consumers"},
    )
