"""What joining or leaving a network would change, on the firewall and on its siblings."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from firewalls.api.flows import FlowsSerializer
from firewalls.intent.effects import Change, Effect
from firewalls.intent.flows import flows
from networks.common.addressing import IP
from networks.common.api.bodies import Body, TextList
from networks.common.api.fields import InetText, RelatedId
from networks.common.limits import MOST_ADDRESSES
from networks.models import Network

ASKED = [
    OpenApiParameter("network", str, required=True, description="What it would join."),
    OpenApiParameter(
        "addresses", str, many=True, description="Its addresses there; without, they are picked."
    ),
]


class JoinSerializer(Body[Any]):
    network = RelatedId(queryset=Network.objects.prefetch_related("prefixes"))
    auto = serializers.BooleanField(default=True)
    addresses = TextList(child=InetText(), required=False, default=list, max_length=MOST_ADDRESSES)


class ChangeSerializer(serializers.Serializer[Any]):
    """A firewall whose configuration would differ: it becomes pending, and needs a push."""

    firewall = serializers.UUIDField(source="firewall.pk")
    name = serializers.CharField(source="firewall.name")
    diffs = serializers.DictField(
        child=serializers.CharField(), help_text="A unified diff per file that would differ."
    )


class EffectSerializer(serializers.Serializer[Any]):
    addresses = serializers.SerializerMethodField(help_text="The firewall's own, in the network.")
    changes = serializers.SerializerMethodField(
        help_text="Its own configuration, and those of other firewalls of its network."
    )

    flows = serializers.SerializerMethodField(help_text="What opens and closes by that.")

    def get_addresses(self, effect: Effect[tuple[IP, ...]]) -> list[str]:
        return [str(address) for address in effect.result]

    @extend_schema_field(ChangeSerializer(many=True))
    def get_changes(self, effect: Effect[tuple[IP, ...]]) -> list[dict[str, Any]]:
        return [shown(change) for change in effect.changes()]

    @extend_schema_field(FlowsSerializer)
    def get_flows(self, effect: Effect[tuple[IP, ...]]) -> Any:
        return FlowsSerializer(flows(effect)).data


def shown(change: Change) -> dict[str, Any]:
    return dict(ChangeSerializer(change).data)


def asked(request: Request) -> dict[str, Any]:
    """The joining that a query asks about. Raises ValidationError."""
    query = request.query_params
    body = {"network": query["network"]} if "network" in query else {}
    serializer = JoinSerializer(data={**body, "addresses": query.getlist("addresses")})
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
