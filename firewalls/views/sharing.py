"""Marking a network as shared, and who uses it."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from firewalls.forms import ShareForm
from firewalls.intent.consumers import consumers as consumers_of
from firewalls.intent.consumers import with_addresses
from firewalls.intent.flows import flows
from firewalls.previews import share_preview
from firewalls.views.reachability.back import question
from networks.common.htmx import page
from networks.common.lists import PER_PAGE
from networks.models import Network


def share(request: HttpRequest, pk: str) -> HttpResponse:
    """What sharing would change; posted with the network's name, the sharing itself, for good."""
    network = get_object_or_404(Network.objects.select_related("partition", "project"), pk=pk)
    form = ShareForm(network, request.POST if request.method == "POST" else None)
    if request.method == "POST" and not request.user.has_perm("networks.share_network"):
        raise PermissionDenied("Sharing a network takes the role admin.")
    if form.is_valid():
        try:
            network.share(request.user.get_username(), form.cleaned_data["reason"])
            return redirect(question(request) or reverse("networks:detail", args=[network.pk]))
        except ValidationError as error:
            form.refuse(error)
    status = 422 if form.errors else 200
    return page(request, "firewalls/share.html", _context(network, form), status=status)


def _context(network: Network, form: ShareForm) -> dict[str, object]:
    preview = share_preview(network)
    return {
        "network": network,
        "form": form,
        "preview": preview,
        "projects": {bridge.firewall.machine.project_id for bridge in preview.could_join},
        "changes": preview.effect.diffs(),
        "flows": flows(preview.effect),
    }


def consumers(request: HttpRequest, pk: str) -> HttpResponse:
    """The firewalls that joined the network, page by page, with the address each hides behind."""
    network = get_object_or_404(Network, pk=pk)
    paged = Paginator(consumers_of(network), PER_PAGE).get_page(request.GET.get("page"))
    bridges = with_addresses(network, paged.object_list)
    context = {"network": network, "consumers": bridges, "paged": paged}
    return page(request, "firewalls/consumers.html", context, parts={"consumers"})
