"""`endpoints/`: what the machines of a shared network may reach behind a consumer's firewall."""

from typing import Any

import django_filters

from firewalls.models import Endpoint, Firewall, Rule
from firewalls.publishing import amend, publish, withdraw
from machines.models import Machine
from networks.common.api.fields import InetText, RelatedId, UtcTime
from networks.common.api.lists import UUID, Exact, Inet, Integer, Time, Uuid
from networks.common.api.rows import RowSerializer
from networks.common.api.views import RowViewSet
from networks.models import Network


class EndpointSerializer(RowSerializer[Endpoint]):
    """A port of a firewall's own address in a shared network that it has joined, forwarded to a machine behind it."""

    firewall = RelatedId(queryset=Firewall.objects.select_related("machine"))
    network = RelatedId(queryset=Network.objects.all())
    address = InetText(source="address.address")
    machine = RelatedId(queryset=Machine.objects.all())
    created_at = UtcTime(read_only=True)

    class Meta(RowSerializer.Meta):
        model = Endpoint
        fields = [
            "id",
            "firewall",
            "network",
            "address",
            "port",
            "protocol",
            "machine",
            "target_port",
            "purpose",
            "created_at",
        ]
        read_only_fields = ["id"]

    def create(self, validated_data: dict[str, Any]) -> Endpoint:
        return publish(by=self._by(), **_flat(validated_data))

    def update(self, instance: Endpoint, validated_data: dict[str, Any]) -> Endpoint:
        return amend(instance, by=self._by(), **_flat(validated_data))

    def _by(self) -> str:
        return str(self.context["request"].user.get_username())


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"address": values["address"]["address"]} if "address" in values else values


class EndpointFilters(django_filters.FilterSet):
    id, firewall, network = (
        Uuid(),
        Uuid("address__machine_id"),
        Exact("address__prefix__network_id"),
    )
    address, port, machine, target_port = (
        Inet("address__address"),
        Integer(),
        Uuid("machine_id"),
        Integer(),
    )
    protocol = django_filters.ChoiceFilter(choices=Rule.Protocol.choices)
    purpose = django_filters.ChoiceFilter(choices=Endpoint.Purpose.choices)
    created_at = Time()


class EndpointViewSet(RowViewSet[Endpoint]):
    """What is published in shared networks, behind which firewall, and where it leads."""

    queryset = Endpoint.objects.with_relations().select_related(
        "address__machine__firewall__machine"
    )
    serializer_class = EndpointSerializer
    filterset_class = EndpointFilters
    search_fields = [
        "address__address",
        "address__machine__name",
        "address__prefix__network__id",
        "machine__name",
    ]
    ordering_fields = {
        name: name for name in ("id", "port", "protocol", "target_port", "purpose", "created_at")
    } | {
        "address": "address__address",
        "firewall": "address__machine_id",
        "network": "address__prefix__network_id",
        "machine": "machine_id",
    }
    lookup_value_regex = UUID

    def remove(self, row: Endpoint) -> None:
        withdraw(row, by=self.request.user.get_username())
