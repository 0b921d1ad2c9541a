"""Joining several firewalls to one network: one page that shows all of it, then all or none."""

from itertools import islice

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import urlencode

from firewalls.allocation.joining import join_several as join_them
from firewalls.intent.effects import Change
from firewalls.intent.flows import flows
from firewalls.models import Firewall
from firewalls.picture.texts import several
from firewalls.previews import joins_preview
from firewalls.views.rollout_choice import ids
from networks.common.htmx import page
from networks.common.limits import MOST_JOINING
from networks.models import Network

MOST_DIFFS = 3  # that are shown whole; the others are alike


def join_several(request: HttpRequest, pk: str) -> HttpResponse:
    """What it would do if the chosen ones joined; posted, the joining of exactly those."""
    if not request.user.has_perm("firewalls.add_attachment"):
        raise PermissionDenied("Joining and leaving networks takes the role operator.")
    network = get_object_or_404(Network.objects.prefetch_related("prefixes"), pk=pk)
    posted = request.method == "POST"
    firewalls = _chosen(request.POST if posted else request.GET)
    if not firewalls:
        messages.info(request, "Choose the firewalls that shall join first.")
        return redirect("firewalls:join_network", pk)
    errors: list[str] = []
    if posted:
        try:
            join_them(firewalls, network, by=request.user.get_username())
            return _joined(request, firewalls, network)
        except ValidationError as error:
            errors = error.messages
    context = {"network": network, "errors": errors, **_foreseen(firewalls, network)}
    return page(request, "firewalls/join_several.html", context, status=422 if errors else 200)


def _chosen(sent: QueryDict) -> list[Firewall]:
    """By name; not more than may join together."""
    rows = Firewall.objects.with_relations().filter(pk__in=ids(sent.getlist("firewall")))
    return list(rows.order_by("machine__name", "pk")[:MOST_JOINING])


def _foreseen(firewalls: list[Firewall], network: Network) -> dict[str, object]:
    effect = joins_preview(firewalls, network)
    joins = effect.result
    joining = {firewall.pk for firewall in joins.addresses}
    changes: list[Change] = list(islice(effect.changes(), MOST_DIFFS))
    others = Firewall.objects.select_related("machine").filter(pk__in=effect.different - joining)
    left = {
        family: used["available"] - used["used"] - used["kept_back"]
        for family, used in sorted(joins.left.items())
    }
    return {
        "joins": joins,
        "left": left,
        "flows": flows(effect),
        "changes": changes,
        "alike": len(effect.different) - len(changes),
        "others": others,
    }


def _joined(request: HttpRequest, firewalls: list[Firewall], network: Network) -> HttpResponse:
    """Offer a rollout of exactly these, as far as they can be pushed to."""
    sentence = f"{several(len(firewalls), 'firewall')} joined {network}"
    messages.success(request, f"{sentence}. Their configurations wait to be pushed.")
    reached = [str(firewall.pk) for firewall in firewalls if firewall.host]
    if not reached or not request.user.has_perm("firewalls.add_push"):
        return redirect("networks:detail", network.pk)
    query = urlencode({"firewall": reached, "cause": f"{network} for its new consumers"}, True)
    return redirect(f"{reverse('firewalls:rollout_new')}?{query}")
