"""`maintenance-windows/`: when pushes to a partition's firewalls, or to one, may start."""

from typing import ClassVar

import django_filters
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from firewalls.models import Firewall, Window
from networks.common.api.fields import RelatedId
from networks.common.api.lists import Exact, Integer, OrNone, Uuid, YesNo
from networks.common.api.rows import RowSerializer
from networks.common.api.views import RowViewSet
from networks.models import Partition


class WindowSerializer(RowSerializer[Window]):
    """Weekly, by the clock of a time zone; `days`: 1 is Monday, 7 is Sunday."""

    fixed = ("id", "partition", "firewall")
    partition = RelatedId(queryset=Partition.objects.all(), required=False, allow_null=True)
    firewall = RelatedId(
        queryset=Firewall.objects.select_related("machine"), required=False, allow_null=True
    )
    is_open = serializers.SerializerMethodField()

    class Meta(RowSerializer.Meta):
        model = Window
        fields = [
            "id",
            "partition",
            "firewall",
            "days",
            "begins",
            "ends",
            "zone",
            "only_automatic",
            "is_open",
        ]
        read_only_fields = ["id"]

    @extend_schema_field(serializers.BooleanField())
    def get_is_open(self, window: Window) -> bool:
        """Now, by the clock there."""
        return window.is_open


class WindowFilters(django_filters.FilterSet):
    id = Integer()
    partition = OrNone("partition_id")
    firewall = Uuid("firewall_id")
    zone = Exact()
    only_automatic = YesNo()


class WindowViewSet(RowViewSet[Window]):
    """Outside of them pushes wait. A firewall with windows of its own goes by these alone."""

    queryset = Window.objects.select_related("partition", "firewall__machine")
    serializer_class = WindowSerializer
    filterset_class = WindowFilters
    moving = ("is_open",)
    search_fields: ClassVar[list[str]] = ["partition__id", "firewall__machine__name", "zone"]
    ordering_fields: ClassVar[dict[str, str]] = {
        "id": "id",
        "partition": "partition_id",
        "firewall": "firewall_id",
        "begins": "begins",
        "ends": "ends",
        "zone": "zone",
    }
    lookup_value_regex = "[0-9]{1,18}"

    def lock(self, row: Window) -> bool:
        """Its firewall, or its partition: no window of these is written meanwhile."""
        row.lock()
        return Window.objects.filter(pk=row.pk).exists()
