"""`partitions/` and `projects/`."""

from typing import Any, TypeVar

import django_filters
from rest_framework import serializers

from networks.allocation import free_id
from networks.common.api.fields import WaveSizes
from networks.common.api.lists import Among, CidrAmong, Exact, InetAmong, Integer, YesNo
from networks.common.api.rows import RowSerializer
from networks.common.api.views import RowViewSet
from networks.models import Partition, Project

Place = TypeVar("Place", bound=Partition | Project)


class PlaceSerializer(RowSerializer[Place]):
    """A row whose id, if it is left out, reads like its name."""

    id = serializers.CharField(required=False, allow_blank=True)

    def create(self, validated_data: dict[str, Any]) -> Place:
        if not validated_data.get("id"):
            validated_data["id"] = free_id(validated_data["name"], self.Meta.model)
        return super().create(validated_data)


class PartitionSerializer(PlaceSerializer[Partition]):
    auto_waves = WaveSizes(required=False)

    class Meta(PlaceSerializer.Meta):
        model = Partition
        fields = [
            "id",
            "name",
            "description",
            "dns_servers",
            "ntp_servers",
            "management_prefixes",
            "fabric_mtu",
            "auto_push",
            "pushes_at_once",
            "auto_waves",
            "auto_max_failures",
        ]


class ProjectSerializer(PlaceSerializer[Project]):
    class Meta(PlaceSerializer.Meta):
        model = Project
        fields = ["id", "name", "tenant", "description"]


class PartitionFilters(django_filters.FilterSet):
    id = Exact()
    name = Exact()
    description = Exact()
    dns_servers = InetAmong()
    ntp_servers = Among()
    management_prefixes = CidrAmong()
    fabric_mtu = Integer()
    auto_push = YesNo()
    pushes_at_once = Integer()
    auto_waves = Exact()
    auto_max_failures = Integer()


class ProjectFilters(django_filters.FilterSet):
    id = Exact()
    name = Exact()
    tenant = Exact()
    description = Exact()


class PartitionViewSet(RowViewSet[Partition]):
    """Data-centre locations, each with a fabric of its own."""

    queryset = Partition.objects.all()
    serializer_class = PartitionSerializer
    filterset_class = PartitionFilters
    search_fields = ["id", "name", "description"]
    ordering_fields = {name: name for name in ("id", "name", "description", "auto_push")}
    lookup_value_regex = "[A-Za-z0-9._-]+"


class ProjectViewSet(RowViewSet[Project]):
    """The owners of networks, addresses, machines and firewalls."""

    queryset = Project.objects.all()
    serializer_class = ProjectSerializer
    filterset_class = ProjectFilters
    search_fields = ["id", "name", "tenant", "description"]
    ordering_fields = {name: name for name in ("id", "name", "tenant", "description")}
    lookup_value_regex = "[A-Za-z0-9._-]+"
