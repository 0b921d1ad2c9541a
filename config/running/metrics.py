"""Figures for monitoring, in Prometheus' text format: counted in the database at each request."""

from collections.abc import Iterator, Mapping, Sequence

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from config.access.authentication import token_of
from config.access.origins import is_local
from firewalls.models import Firewall, Push
from networks.models import Network


class Database(Collector):
    """Counts of what the product looks after, a query each."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        firewalls = dict(Firewall.objects.by_state())
        yield _by_state("firewalls", "Firewalls by state.", Firewall.State.values, firewalls)
        pushes = dict(Push.objects.order_by().values_list("state").annotate(Count("pk")))
        yield _by_state("pushes", "Pushes by state.", Push.State.values, pushes)
        networks = dict(Network.objects.order_by().values_list("kind").annotate(Count("pk")))
        yield _gauge("networks", "Networks by kind.", "kind", Network.Kind.values, networks)
        shared = Network.objects.shared().count()
        text = "Networks marked as shared."
        yield GaugeMetricFamily("shared_networks_shared", text, value=shared)


def _by_state(
    name: str, text: str, states: Sequence[str], counts: Mapping[str, int]
) -> GaugeMetricFamily:
    return _gauge(name, text, "state", states, counts)


def _gauge(
    name: str, text: str, label: str, values: Sequence[str], counts: Mapping[str, int]
) -> GaugeMetricFamily:
    """A count for each value, also where it is zero."""
    family = GaugeMetricFamily(f"shared_networks_{name}", text, labels=[label])
    for value in values:
        family.add_metric([value], counts.get(value, 0))
    return family


@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    """For monitoring on this machine, or with a token: Prometheus' text format."""
    token = token_of(request)
    may_read = token is not None and token.user.has_perm("networks.view_network")
    if not (may_read or is_local(request)):
        raise PermissionDenied("Metrics are for this machine, or for who brings a token.")
    registry = CollectorRegistry()
    registry.register(Database())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
