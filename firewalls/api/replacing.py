"""`firewalls/{id}/replace/`: another box for a firewall."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls.api.reaching import ManagementSerializer
from firewalls.api.rows import FirewallRows
from firewalls.api.serializers import FirewallSerializer
from firewalls.api.shares import ViolationSerializer
from firewalls.pushing.replacing import preview, replace
from networks.common.api.bodies import Body


class ReplaceSerializer(Body[Any]):
    management = ManagementSerializer(help_text="How the new box is reached.")
    gone = serializers.BooleanField(
        default=False, help_text="The old box is gone: it runs with none of the addresses any more."
    )


class ReplacePreviewSerializer(serializers.Serializer[Any]):
    """What the firewall keeps on another box. `allowed`: without saying that the old one is gone.

    `carried`: what the old box may still have; `applied`: what was seen there last.
    """

    allowed = serializers.BooleanField()
    violations = ViolationSerializer(many=True)
    asn = serializers.IntegerField(source="firewall.machine.asn")
    addresses = serializers.ListField(child=serializers.CharField())
    endpoints = serializers.ListField(child=serializers.CharField())
    carried = serializers.ListField(child=serializers.CharField())
    applied = serializers.IntegerField(allow_null=True)


class ReplaceView(FirewallRows):
    """`firewalls/{id}/replace/`"""

    permissions = {
        "preview": "firewalls.view_firewall",
        "replace": "firewalls.change_firewall",
    }
    filter_backends = []

    @extend_schema(responses=ReplacePreviewSerializer)
    def preview(self, request: Request, id: str) -> Response:
        """What replacing the hardware would keep, and what is in its way."""
        return self.read(request, ReplacePreviewSerializer(preview(self.get_object())).data)

    @extend_schema(request=ReplaceSerializer, responses=FirewallSerializer)
    def replace(self, request: Request, id: str) -> Response:
        """Have the same firewall on another box: it keeps name, loopback, AS number, addresses."""
        firewall = self.locked(request)
        body = ReplaceSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        management = body.validated_data["management"]
        replace(firewall, gone=body.validated_data["gone"], **management)
        return self.answer(firewall)
