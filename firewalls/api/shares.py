"""What sharing a network would change, sharing it, and who joined it."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls.api.flows import FlowsSerializer
from firewalls.intent.consumers import bridges
from firewalls.intent.flows import flows
from firewalls.models import Firewall
from firewalls.previews import SharePreview, share_preview
from networks.api.networks import NetworkSerializer, NetworkViewSet
from networks.common.api.bodies import Body
from networks.common.api.etags import etag, must_match
from networks.common.api.fields import CidrText
from networks.common.api.lists import Pages
from networks.common.api.queries import PAGES
from networks.common.api.views import WholeWrites
from networks.common.locking import lock_keys
from networks.common.validation import enforce, reported_on
from networks.common.violations import Violation
from networks.models import Network


class BridgeSerializer(serializers.Serializer[Any]):
    """A firewall with the network, the project and the machines behind it."""

    firewall = serializers.UUIDField(source="firewall.pk")
    name = serializers.CharField(source="firewall.name")
    network = serializers.CharField(source="network.pk")
    project = serializers.CharField(source="network.project_id")
    machines = serializers.IntegerField()


class BridgesSerializer(serializers.Serializer[Any]):
    """A page of them."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = BridgeSerializer(many=True)


PAGE = [OpenApiParameter(name, int) for name in ("limit", "offset")]


class ViolationSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class ShareEffectSerializer(serializers.Serializer[Any]):
    allowed = serializers.BooleanField()
    violations = ViolationSerializer(many=True)
    firewalls_that_could_join = BridgeSerializer(many=True, source="could_join")
    machines_that_could_reach = serializers.IntegerField(source="machines")
    machines_by_project = serializers.DictField(child=serializers.IntegerField())
    prefixes = serializers.ListField(child=CidrText())
    firewalls_that_change = serializers.SerializerMethodField()
    flows = serializers.SerializerMethodField(help_text="Of its own firewalls; others join first.")
    irreversible = serializers.SerializerMethodField()

    def get_firewalls_that_change(self, preview: SharePreview) -> list[str]:
        return [change.firewall.name for change in preview.effect.changes()]

    @extend_schema_field(FlowsSerializer)
    def get_flows(self, preview: SharePreview) -> Any:
        return FlowsSerializer(flows(preview.effect)).data

    def get_irreversible(self, preview: SharePreview) -> bool:
        """Always true: a shared network stays shared (R3)."""
        return True


class ShareRequestSerializer(Body[Any]):
    confirm = serializers.CharField(help_text="The network's id, once more.")
    reason = serializers.CharField(required=False, allow_blank=True, default="")


class ShareView(WholeWrites):
    """`networks/{id}/share/`"""

    permissions = {"get": "networks.view_network", "post": "networks.share_network"}

    @extend_schema(responses=ShareEffectSerializer, operation_id="networks_share_effect")
    def get(self, request: Request, id: str) -> Response:
        """What sharing the network would change."""
        return self.read(request, effect_of(get_object_or_404(Network, pk=id)))

    @extend_schema(
        request=ShareRequestSerializer, responses=NetworkSerializer, operation_id="networks_share"
    )
    def post(self, request: Request, id: str) -> Response:
        """Share the network, for good."""
        network = get_object_or_404(Network, pk__in=lock_keys(Network, [id]))
        if request.headers.get("If-Match"):
            must_match(request, shown(network, request)[1], etag(effect_of(network)))
        body = ShareRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        if body.validated_data["confirm"] != network.pk:
            reason = f"Type {network.pk} to confirm: a shared network stays shared (R3)."
            enforce([Violation("confirm", "not_confirmed", reason)])
        with reported_on(shared_reason="reason"):
            network.share(request.user.get_username(), body.validated_data["reason"])
        data, tag = shown(network, request)
        return Response(data, headers={"ETag": tag})


def effect_of(network: Network) -> Any:
    return ShareEffectSerializer(share_preview(network)).data


def shown(network: Network, request: Request) -> tuple[Any, str]:
    """The network as `networks/{id}/` shows it, with its ETag."""
    data = NetworkSerializer(network, context={"request": request}).data
    return data, etag(data, NetworkViewSet.moving)


class ConsumersView(WholeWrites):
    """`networks/{id}/consumers/`"""

    permissions = {"get": "firewalls.view_firewall"}
    parameters = {"get": PAGES}

    @extend_schema(parameters=PAGE, responses=BridgesSerializer, operation_id="networks_consumers")
    def get(self, request: Request, id: str) -> Response:
        """The firewalls that joined it, with the network, project and machines behind each."""
        network = get_object_or_404(Network, pk=id)
        joined = Firewall.objects.with_relations().filter(attachments__network=network)
        pages = Pages()
        page = bridges(pages.paginate_queryset(joined, request, self) or [])
        rows = BridgeSerializer(page, many=True).data
        return self.read(request, pages.get_paginated_response(rows).data)
