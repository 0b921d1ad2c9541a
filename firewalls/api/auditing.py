"""`partitions/{id}/leak-audit/`: who reaches whom, and what is known too widely."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls.api.answers import VERDICTS
from firewalls.intent.partitions import Basis, load_partition
from firewalls.reachability.auditing import audit
from firewalls.reachability.audits import Kind
from networks.common.api.views import WholeWrites
from networks.models import Partition

BASES = [str(one) for one in Basis]


class AuditQuerySerializer(serializers.Serializer[Any]):
    """On which basis."""

    basis = serializers.ChoiceField(
        choices=BASES,
        default=str(Basis.WANTED),
        help_text="What is wanted now, or what was applied last.",
    )


class AuditViaSerializer(serializers.Serializer[Any]):
    """A firewall on the way."""

    firewall = serializers.CharField()
    name = serializers.CharField()
    rule = serializers.CharField(help_text="What lets it through, in words.")
    shown = serializers.SerializerMethodField(help_text="The address that machines hide behind.")

    def get_shown(self, via: Any) -> str | None:
        return None if via.shown is None else str(via.shown)


class ConnectionSerializer(serializers.Serializer[Any]):
    """What machines of one network open to machines of another, as one rule lets them."""

    from_network = serializers.CharField(source="source.id")
    to_network = serializers.CharField(source="target.id")
    network = serializers.CharField(help_text="In which they meet.")
    kind = serializers.ChoiceField(choices=[str(one) for one in Kind])
    message = serializers.CharField(source="meaning")
    leak = serializers.BooleanField(source="is_leak")
    family = serializers.IntegerField(source="version")
    verdict = serializers.ChoiceField(choices=VERDICTS)
    through = AuditViaSerializer(source="via", many=True)


class PairSerializer(serializers.Serializer[Any]):
    """Two projects, the first of which reaches the other; perhaps two networks of one project."""

    from_project = serializers.CharField(source="source")
    to_project = serializers.CharField(source="target")
    verdict = serializers.ChoiceField(choices=VERDICTS)
    leaks = serializers.IntegerField()
    machines = serializers.IntegerField(help_text="Of the first, in networks that reach anything.")
    networks = serializers.ListField(child=serializers.CharField())
    connections = ConnectionSerializer(many=True)


class ExposureSerializer(serializers.Serializer[Any]):
    """A prefix that a firewall announces into a network that has no business to know it."""

    firewall = serializers.CharField()
    name = serializers.CharField()
    network = serializers.CharField()
    prefix = serializers.SerializerMethodField()
    owner = serializers.CharField(help_text="The network that has the prefix, if it is one here.")

    def get_prefix(self, exposure: Any) -> str:
        return str(exposure.prefix)


class UnknownFirewallSerializer(serializers.Serializer[Any]):
    """A firewall that runs something else than what is at hand: nothing is said of it."""

    firewall = serializers.CharField(source="id")
    name = serializers.CharField()


class AuditSerializer(serializers.Serializer[Any]):
    """`leaks` and `exposures` are empty where sharing does what it is for, and nothing else."""

    basis = serializers.ChoiceField(choices=BASES)
    count = serializers.IntegerField(help_text="Of pairs of projects.")
    pairs = PairSerializer(many=True)
    leaks = ConnectionSerializer(many=True)
    exposures = ExposureSerializer(many=True)
    unknown = UnknownFirewallSerializer(many=True)


class LeakAuditView(WholeWrites):
    """`partitions/{id}/leak-audit/`"""

    permissions = {"get": "firewalls.view_firewall"}
    parameters = {"get": ("basis",)}

    @extend_schema(
        parameters=[AuditQuerySerializer],
        responses=AuditSerializer,
        operation_id="partitions_leak_audit",
    )
    def get(self, request: Request, id: str) -> Response:
        """Every pair of projects where machines of one reach the other's, by what, and if it may.

        Consumers reach shared networks, and endpoints are reached; anything else is a leak.
        """
        partition = get_object_or_404(Partition, pk=id)
        query = AuditQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        basis = Basis(query.validated_data["basis"])
        found = audit(load_partition(partition.pk).on(basis))
        pairs = found.pairs
        answer = {"basis": basis, "count": len(pairs), "pairs": pairs}
        beside = {name: getattr(found, name) for name in ("leaks", "exposures", "unknown")}
        return self.read(request, AuditSerializer({**answer, **beside}).data)
