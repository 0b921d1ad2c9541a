"""`ip-addresses/`: an address is its own id."""

from typing import Any

import django_filters
from rest_framework import serializers

from networks.allocation import AddressRequest, allocate_in_transaction
from networks.common.api.fields import InetText, Labels, RelatedIdByStatement
from networks.common.api.lists import UUID, Exact, Inet, Label, OrNone
from networks.common.api.rows import RowSerializer
from networks.common.api.views import RowViewSet
from networks.models import Address, Network, Project

VERSIONS = [4, 6]


class AddressSerializer(RowSerializer[Address]):
    address = InetText(required=False)
    network = RelatedIdByStatement(source="prefix.network", queryset=Network.objects)
    project = RelatedIdByStatement(queryset=Project.objects)
    version = serializers.ChoiceField(choices=VERSIONS, write_only=True, required=False)
    machine = serializers.PrimaryKeyRelatedField[Any](read_only=True, allow_null=True)
    labels = Labels(required=False)
    fixed = ("network",)
    made_with = ("version",)

    class Meta(RowSerializer.Meta):
        model = Address
        fields = [
            "address",
            "network",
            "project",
            "kind",
            "name",
            "description",
            "machine",
            "labels",
            "version",
        ]

    def create(self, validated_data: dict[str, Any]) -> Address:
        network: Network = validated_data.pop("prefix")["network"]
        ip = validated_data.pop("address", None)
        described = {
            name: validated_data.pop(name)
            for name in ("description", "labels")
            if name in validated_data
        }
        address = allocate_in_transaction(AddressRequest(network=network, ip=ip, **validated_data))
        if any(described.values()):
            for name, value in described.items():
                setattr(address, name, value)
            address.save()
        return address

    def update(self, instance: Address, validated_data: dict[str, Any]) -> Address:
        if prefix := validated_data.pop("prefix", None):
            validated_data["network"] = prefix["network"]
        return super().update(instance, validated_data)


class AddressFilters(django_filters.FilterSet):
    address = Inet()
    network = Exact("prefix__network_id")
    project = Exact("project_id")
    machine = OrNone("machine_id", regex=UUID)
    kind = django_filters.ChoiceFilter(choices=Address.Kind.choices)
    name = Exact()
    description = Exact()
    labels = Label()


class AddressViewSet(RowViewSet[Address]):
    """Addresses that are taken, whether on a machine or reserved for a project."""

    queryset = Address.objects.select_related("prefix")
    serializer_class = AddressSerializer
    filterset_class = AddressFilters
    search_fields = [
        "address",
        "name",
        "description",
        "prefix__network__id",
        "project__id",
        "machine__name",
    ]
    ordering_fields = {
        "address": "address",
        "network": "prefix__network_id",
        "project": "project_id",
        "machine": "machine_id",
        "kind": "kind",
        "name": "name",
        "description": "description",
    }
    lookup_field = lookup_url_kwarg = "address"
    lookup_value_regex = "[0-9A-Fa-f:.]+"

    def stored(self, row: Address) -> Address:
        # The database adds nothing to it, and others wait for the prefix until this is answered.
        return row

    def lock(self, row: Address) -> bool:
        row.lock()  # the prefix first, as everywhere
        return super().lock(row)
