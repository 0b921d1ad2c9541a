"""`machines/` and `http-proxies/`. Firewalls have a door of their own."""

from typing import Any

import django_filters
from rest_framework import serializers

from machines.allocation import Order, Request, create_machine, free_machine
from machines.models import HttpProxy, Machine
from networks.common.addressing import IP
from networks.common.api.bodies import Body, TextList
from networks.common.api.fields import InetText, Labels, RelatedId
from networks.common.api.lists import UUID, Exact, Inet, Integer, Label, Uuid
from networks.common.api.rows import RowSerializer
from networks.common.api.views import RowViewSet
from networks.common.limits import MOST_ADDRESSES, MOST_NETWORKS
from networks.common.validation import reported_on
from networks.models import Network, Partition, Project


class RequestSerializer(Body[Any]):
    """One network of the order; `auto`: its addresses are picked."""

    network = RelatedId(queryset=Network.objects.prefetch_related("prefixes"))
    auto = serializers.BooleanField(default=True)
    primary = serializers.BooleanField(default=False)
    most = MOST_NETWORKS


class AddressList(TextList):
    """A machine's addresses as texts, sorted."""

    child = InetText()

    def get_attribute(self, instance: Machine) -> list[IP]:
        return [address.address for address in instance.addresses.all()]


class MachineSerializer(RowSerializer[Machine]):
    """A machine.

    It is allocated from `networks` and, if some are named, `addresses`; the latter show afterwards
    which ones it has.
    """

    id = serializers.UUIDField(required=False)
    partition = RelatedId(queryset=Partition.objects)
    project = RelatedId(queryset=Project.objects)
    network = serializers.PrimaryKeyRelatedField[Any](source="primary", read_only=True)
    networks = RequestSerializer(many=True, write_only=True)
    addresses = AddressList(required=False, max_length=MOST_ADDRESSES)
    labels = Labels(required=False)
    made_with = ("networks", "addresses")

    class Meta(RowSerializer.Meta):
        model = Machine
        fields = [
            "id",
            "name",
            "partition",
            "project",
            "network",
            "networks",
            "addresses",
            "labels",
            "asn",
            "created_at",
        ]
        read_only_fields = ["asn", "created_at"]

    def create(self, validated_data: dict[str, Any]) -> Machine:
        requests = [Request(**fields) for fields in validated_data.pop("networks")]
        return create_machine(Order(networks=requests, **validated_data))

    def update(self, instance: Machine, validated_data: dict[str, Any]) -> Machine:
        with reported_on(primary="network"):
            return super().update(instance, validated_data)


class MachineFilters(django_filters.FilterSet):
    id = Uuid()
    name = Exact()
    partition = Exact("partition_id")
    project = Exact("project_id")
    network = Exact("primary_id")
    addresses = Inet("addresses__address")
    labels = Label()
    asn = Integer()


class MachineViewSet(RowViewSet[Machine]):
    """Machines that are no firewalls, each in its one network."""

    queryset = Machine.objects.plain().prefetch_related("addresses")
    serializer_class = MachineSerializer
    filterset_class = MachineFilters
    search_fields = [
        "id",
        "name",
        "partition__id",
        "project__id",
        "primary__id",
        "addresses__address",
    ]
    ordering_fields = {name: name for name in ("id", "name", "asn", "created_at")} | {
        "partition": "partition_id",
        "project": "project_id",
        "network": "primary_id",
    }
    lookup_value_regex = UUID

    def remove(self, row: Machine) -> None:
        free_machine(row)


class HttpProxySerializer(RowSerializer[HttpProxy]):
    """Where the machines of a network reach an HTTP proxy: an address or a name, and a port."""

    fixed = ("id", "network")
    network = RelatedId(queryset=Network.objects.all())

    class Meta(RowSerializer.Meta):
        model = HttpProxy
        fields = ["id", "network", "host", "port"]
        read_only_fields = ["id"]


class HttpProxyFilters(django_filters.FilterSet):
    id = Integer()
    network = Exact("network_id")
    host = Exact()
    port = Integer()


class HttpProxyViewSet(RowViewSet[HttpProxy]):
    """Named by operators, for machines without a firewall of their own that leads outside."""

    queryset = HttpProxy.objects.select_related("network")
    serializer_class = HttpProxySerializer
    filterset_class = HttpProxyFilters
    search_fields = ["network__id", "host"]
    ordering_fields = {"id": "id", "network": "network_id", "host": "host", "port": "port"}
    lookup_value_regex = "[0-9]{1,18}"

    def lock(self, row: HttpProxy) -> bool:
        """Its network, as everywhere."""
        row.lock()
        return HttpProxy.objects.filter(pk=row.pk).exists()
