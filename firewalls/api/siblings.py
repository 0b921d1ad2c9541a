"""`networks/{id}/firewalls/`: those that guard it, what each passes on, and in what they differ."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls.intent.siblings import ROLE, Difference, Remedy, Sibling, siblings
from networks.common.api.views import WholeWrites
from networks.models import Network

FAMILIES = "Address families: 4, 6."


class SiblingSerializer(serializers.Serializer[Any]):
    """One of the firewalls, and where it leads."""

    firewall = serializers.UUIDField(source="firewall.pk")
    name = serializers.CharField(source="firewall.name")
    shared = serializers.SerializerMethodField(help_text="The shared networks that it leads to.")
    externals = serializers.SerializerMethodField(help_text="Through which it leads outside.")
    outside = serializers.ListField(
        child=serializers.IntegerField(), source="offer.outside", help_text=FAMILIES
    )

    def get_shared(self, sibling: Sibling) -> list[str]:
        return [network.pk for network in sibling.shared]

    def get_externals(self, sibling: Sibling) -> list[str]:
        return [network.pk for network in sibling.outward]


class RemedySerializer(serializers.Serializer[Any]):
    """What makes two firewalls alike, for whoever has the role: `POST …/attachments/`."""

    message = serializers.CharField()
    action = serializers.SerializerMethodField()
    firewall = serializers.UUIDField(source="firewall.pk")
    network = serializers.CharField(source="network.pk")
    url = serializers.SerializerMethodField(help_text="The page that does it.")
    role = serializers.SerializerMethodField()

    def get_action(self, remedy: Remedy) -> str:
        return "join"

    def get_url(self, remedy: Remedy) -> str:
        return reverse("firewalls:confirm_join", args=[remedy.firewall.pk, remedy.network.pk])

    def get_role(self, remedy: Remedy) -> str:
        return ROLE


class DifferenceSerializer(serializers.Serializer[Any]):
    """A network that some of them lead to, and others do not."""

    network = serializers.CharField(source="network.pk")
    families = serializers.ListField(
        child=serializers.IntegerField(), source="versions", help_text=FAMILIES
    )
    having = serializers.SerializerMethodField()
    lacking = serializers.SerializerMethodField()
    message = serializers.CharField()
    remedies = RemedySerializer(many=True)

    def get_having(self, difference: Difference) -> list[str]:
        return [firewall.name for firewall in difference.having]

    def get_lacking(self, difference: Difference) -> list[str]:
        return [firewall.name for firewall in difference.lacking]


class SiblingsSerializer(serializers.Serializer[Any]):
    firewalls = SiblingSerializer(many=True)
    alike = serializers.SerializerMethodField()
    differences = DifferenceSerializer(many=True)

    def get_alike(self, together: Any) -> bool:
        """Whether flows may take any of them."""
        return not together.differences


class SiblingsView(WholeWrites):
    """`networks/{id}/firewalls/`"""

    permissions = {"get": "firewalls.view_firewall"}

    @extend_schema(responses=SiblingsSerializer, operation_id="networks_firewalls")
    def get(self, request: Request, id: str) -> Response:
        """The firewalls that guard it, what each passes on, and what would make them alike."""
        network = get_object_or_404(Network, pk=id)
        return self.read(request, SiblingsSerializer(siblings(network)).data)
