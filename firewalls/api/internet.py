"""`machines/{id}/internet-access/` and `networks/{id}/internet-access/`: how they get outside."""

from collections.abc import Mapping
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls.api.answers import VERDICTS, FlowRemedySerializer
from firewalls.intent import internet
from firewalls.reachability.internet import (
    Access,
    InternetAccess,
    ProxyInReach,
    WayOut,
    proxy_settings,
)
from networks.common.api.views import WholeWrites
from networks.models import Network

FIREWALL, ENDPOINT, ADDRESS = KINDS = ("firewall", "endpoint", "address")


class InternetViaSerializer(serializers.Serializer[Any]):
    """A firewall of their own; or a proxy, at an endpoint or at an address that was named."""

    kind = serializers.ChoiceField(choices=KINDS)
    firewall = serializers.CharField(help_text="Its id; empty for an address that was named.")
    name = serializers.CharField()
    network = serializers.CharField(
        help_text="The external network it leads through, or the shared one with the endpoint."
    )
    address = serializers.CharField(allow_null=True, help_text="Of a proxy: an address, or a name.")
    port = serializers.IntegerField(allow_null=True)
    url = serializers.CharField(allow_null=True)


class WayOutSerializer(serializers.Serializer[Any]):
    """A firewall of the network, with an external network that has a default route."""

    firewall = serializers.CharField()
    name = serializers.CharField()
    network = serializers.CharField()
    families = serializers.ListField(child=serializers.IntegerField(), source="versions")
    addresses = serializers.ListField(
        child=serializers.CharField(), help_text="What they show themselves as there."
    )
    passes = serializers.ListField(
        child=serializers.CharField(), help_text="What the rules let out, in words."
    )


class ProxySerializer(InternetViaSerializer):
    """A proxy in reach; `verdict`: whether it answers, as far as is known here."""

    machine = serializers.CharField(allow_null=True, help_text="The machine that it runs on.")
    verdict = serializers.ChoiceField(choices=VERDICTS)
    warnings = serializers.ListField(child=serializers.CharField())


class SettingSerializer(serializers.Serializer[Any]):
    """Lines for one file of the machine, to copy."""

    purpose = serializers.CharField()
    file = serializers.CharField()
    text = serializers.CharField()
    then = serializers.CharField(help_text="What has them take effect.")


class InternetAccessSerializer(serializers.Serializer[Any]):
    """`via` is null where there is no way."""

    access = serializers.ChoiceField(choices=[str(one) for one in Access])
    via = InternetViaSerializer(allow_null=True)
    warnings = serializers.ListField(child=serializers.CharField())
    firewalls = WayOutSerializer(many=True)
    proxies = ProxySerializer(many=True)
    settings = SettingSerializer(many=True)
    assumptions = serializers.ListField(child=serializers.CharField())
    remedies = FlowRemedySerializer(many=True)


class MachineInternetView(WholeWrites):
    """`machines/{id}/internet-access/`"""

    permissions = {"get": "firewalls.view_firewall"}

    @extend_schema(responses=InternetAccessSerializer, operation_id="machines_internet_access")
    def get(self, request: Request, id: str) -> Response:
        """By a firewall of its own network, by an HTTP proxy, or not; and what to do then."""
        machine = get_object_or_404(internet.MACHINES, pk=id)
        return self.read(request, shown(internet.of_machine(machine)))


class NetworkInternetView(WholeWrites):
    """`networks/{id}/internet-access/`"""

    permissions = {"get": "firewalls.view_firewall"}

    @extend_schema(responses=InternetAccessSerializer, operation_id="networks_internet_access")
    def get(self, request: Request, id: str) -> Response:
        """The same of all who live in a private network."""
        network = get_object_or_404(Network, pk=id, kind=Network.Kind.PRIVATE)
        return self.read(request, shown(internet.of_network(network)))


def shown(found: InternetAccess) -> Any:
    """In the shape of InternetAccessSerializer."""
    proxies = [_proxy(one) for one in found.proxies]
    ways = [*map(_way, found.ways), *proxies]
    proxy = found.proxy
    answer = {
        "access": found.access,
        "via": ways[0] if ways else None,
        "warnings": found.warnings,
        "firewalls": found.ways,
        "proxies": proxies,
        "settings": proxy_settings(proxy.url, found.direct) if proxy else (),
        "assumptions": found.assumptions,
        "remedies": found.remedies,
    }
    return InternetAccessSerializer(answer).data


def _way(way: WayOut) -> Mapping[str, Any]:
    of_proxy = {"address": None, "port": None, "url": None}
    return {"kind": FIREWALL, **_names(way.firewall, way.name, way.network), **of_proxy}


def _proxy(found: ProxyInReach) -> Mapping[str, Any]:
    proxy = found.proxy
    return {
        "kind": ENDPOINT if proxy.firewall else ADDRESS,
        **_names(proxy.firewall, proxy.name, proxy.network),
        "address": proxy.host,
        "port": proxy.port,
        "url": proxy.url,
        "machine": proxy.machine.id if proxy.machine else None,
        "verdict": found.verdict,
        "warnings": found.warnings,
    }


def _names(firewall: str, name: str, network: str) -> Mapping[str, str]:
    return {"firewall": firewall, "name": name, "network": network}
