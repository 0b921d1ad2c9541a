"""`endpoints/`: what the machines of a shared network may reach behind a consumer's firewall."""

import uuid
from re import fullmatch
from typing import Any

import django_filters

from firewalls.models import Endpoint, Firewall, lock_firewalls
from firewalls.publishing import amend, publish, withdraw
from machines.models import Machine
from networks.common.api.fields import InetText, RelatedId, UtcTime
from networks.common.api.lists import UUID, Exact, Inet, Integer, Time, Uuid
from networks.common.api.rows import RowSerializer
from networks.common.api.views import RowViewSet
from networks.models import Network


class EndpointSerializer(RowSerializer[Endpoint]):
    """A port of a firewall's address in a shared network, forwarded to a machine behind it."""

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
        return publish(by=self._by(), **_at_address(validated_data))

    def update(self, instance: Endpoint, validated_data: dict[str, Any]) -> Endpoint:
        return amend(instance, by=self._by(), **_at_address(validated_data))

    def _by(self) -> str:
        return str(self.context["request"].user.get_username())


def _at_address(values: dict[str, Any]) -> dict[str, Any]:
    """The values with the address itself where the serializer has it as a field of its row."""
    if "address" not in values:
        return values
    return values | {"address": values["address"]["address"]}


class EndpointFilters(django_filters.FilterSet):
    id = Uuid()
    firewall = Uuid("address__machine_id")
    network = Exact("address__prefix__network_id")
    address = Inet("address__address")
    port = Integer()
    machine = Uuid("machine_id")
    target_port = Integer()
    protocol = django_filters.ChoiceFilter(choices=Endpoint.Protocol.choices)
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
        "id": "id",
        "port": "port",
        "protocol": "protocol",
        "target_port": "target_port",
        "purpose": "purpose",
        "created_at": "created_at",
        "address": "address__address",
        "firewall": "address__machine_id",
        "network": "address__prefix__network_id",
        "machine": "machine_id",
    }
    lookup_value_regex = UUID

    def lock(self, row: Endpoint) -> bool:
        """The firewalls first, as everywhere: where it is, and where it is to be moved to."""
        body = self.request.data
        named = str(body.get("firewall")) if isinstance(body, dict) else ""
        moved_to = [named] if fullmatch(UUID, named) else []
        lock_firewalls([row.firewall.pk, *map(uuid.UUID, moved_to)])
        return super().lock(row)

    def remove(self, row: Endpoint) -> None:
        withdraw(row, by=self.request.user.get_username())
