"""`networks/{id}/reachable-from/` and `machines/{id}/reaches/`: everything at once."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls.api.answers import VERDICTS
from firewalls.api.questions import ServiceSerializer, refuse_unrouted
from firewalls.intent.partitions import Around, Basis, load_around, load_users
from firewalls.intent.values import machine_value
from firewalls.reachability.reaching import Reach, Service, reached, reaches
from machines.models import Machine
from networks.common.api.views import WholeWrites
from networks.models import Network

REACHED = "Its machines."
SOME = "Ambiguous: some of them, on some courses, or in one family alone."


class ReachedThroughSerializer(serializers.Serializer[Any]):
    """A firewall on the way, and the addresses that machines show themselves as behind it."""

    firewall = serializers.CharField()
    name = serializers.CharField()
    addresses = serializers.ListField(child=serializers.CharField())


class ReachedNetworkSerializer(serializers.Serializer[Any]):
    """A network whose machines reach, or are reached."""

    network = serializers.CharField()
    project = serializers.CharField()
    machines = serializers.IntegerField(help_text=REACHED)
    verdict = serializers.ChoiceField(choices=VERDICTS, help_text=SOME)
    through = ReachedThroughSerializer(many=True)


class ReachedProjectSerializer(serializers.Serializer[Any]):
    project = serializers.CharField()
    networks = serializers.IntegerField()
    machines = serializers.IntegerField()


class ReachedSerializer(serializers.Serializer[Any]):
    """By project, counted, and network by network."""

    basis = serializers.ChoiceField(choices=[str(one) for one in Basis])
    count = serializers.IntegerField(help_text="Of machines.")
    projects = ReachedProjectSerializer(many=True)
    results = ReachedNetworkSerializer(many=True)


class ReachableFromView(WholeWrites):
    """`networks/{id}/reachable-from/`"""

    permissions = {"get": "firewalls.view_firewall"}
    parameters = {"get": tuple(ServiceSerializer().fields)}

    @extend_schema(
        parameters=[ServiceSerializer],
        responses=ReachedSerializer,
        operation_id="networks_reachable_from",
    )
    def get(self, request: Request, id: str) -> Response:
        """Whose machines reach it, through which firewalls, and as which addresses."""
        network = get_object_or_404(Network, pk=id)
        refuse_unrouted("network", network)
        service, basis, at = _asked(request)
        loaded = load_users(network.pk, ran=basis is Basis.APPLIED)
        found = reaches(loaded.at(at) if at else loaded.on(basis), network.pk, service)
        return self.read(request, _shown(found, basis, ends="source"))


class ReachesView(WholeWrites):
    """`machines/{id}/reaches/`"""

    permissions = {"get": "firewalls.view_firewall"}
    parameters = {"get": tuple(ServiceSerializer().fields)}

    @extend_schema(
        parameters=[ServiceSerializer], responses=ReachedSerializer, operation_id="machines_reaches"
    )
    def get(self, request: Request, id: str) -> Response:
        """The networks that it reaches, through which firewalls, and as which addresses."""
        rows = Machine.objects.plain().prefetch_related("addresses__prefix")
        machine = machine_value(get_object_or_404(rows, pk=id))
        service, basis, at = _asked(request)
        loaded = load_around(Around(networks={machine.network}))
        found = reached(loaded.at(at) if at else loaded.on(basis), machine, service)
        return self.read(request, _shown(found, basis, ends="target"))


def _asked(request: Request) -> tuple[Service, Basis, datetime | None]:
    query = ServiceSerializer(data=request.query_params)
    query.is_valid(raise_exception=True)
    chosen = query.validated_data
    service = Service(chosen["protocol"], chosen.get("port"))
    return service, Basis(chosen["basis"]), chosen.get("at")


def _shown(found: Iterable[Reach], basis: Basis, ends: str) -> Any:
    """Network by network, with the sums of their machines by project."""
    rows = [_row(one, ends) for one in found]
    sums: dict[str, dict[str, Any]] = {}
    for row in rows:
        empty = {"project": row["project"], "networks": 0, "machines": 0}
        project = sums.setdefault(row["project"], empty)
        project["networks"] += 1
        project["machines"] += row["machines"]
    return ReachedSerializer(
        {
            "basis": basis,
            "count": sum(row["machines"] for row in rows),
            "projects": [sums[name] for name in sorted(sums)],
            "results": rows,
        }
    ).data


def _row(one: Reach, ends: str) -> dict[str, Any]:
    network = one.source if ends == "source" else one.target
    return {
        "network": network.id,
        "project": network.project,
        "machines": network.machines,
        "verdict": one.verdict,
        "through": one.ways,
    }
