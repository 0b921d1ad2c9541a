"""Firewalls that were freed and may still run, and what is kept back."""

from typing import Any, ClassVar, cast

import django_filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls import tasks
from firewalls.api.reaching import ManagementSerializer, WaySerializer, through
from firewalls.models import Retired, SshAccess
from firewalls.pushing import retiring
from networks.common.api.fields import InetText, UtcTime
from networks.common.api.lists import UUID, Exact, Inet, Integer, Uuid, YesNo
from networks.common.api.rows import RowSerializer
from networks.common.api.views import ReadViewSet
from networks.models import Carried


class KeptBackSerializer(RowSerializer[Carried]):
    """An address, VRF id or AS number that a firewall may still have, so nobody else gets it."""

    firewall = serializers.UUIDField(source="box")
    firewall_name = serializers.CharField(source="firewall")
    address = InetText(allow_null=True)
    since = UtcTime(source="left_at")

    class Meta(RowSerializer.Meta):
        model = Carried
        fields = [
            "id",
            "firewall",
            "firewall_name",
            "address",
            "vrf",
            "asn",
            "network",
            "since",
            "reason",
        ]


class KeptBackFilters(django_filters.FilterSet):
    id = Integer()
    firewall = Uuid("box")
    firewall_name = Exact("firewall")
    address = Inet()
    vrf = Integer()
    asn = Integer()
    network = Exact()


class KeptBackViewSet(ReadViewSet[Carried]):
    """What is kept back until a push without it is confirmed, or somebody says the box is gone."""

    queryset = Carried.objects.left()
    serializer_class = KeptBackSerializer
    filterset_class = KeptBackFilters
    search_fields: ClassVar[list[str]] = ["firewall", "network", "address"]
    ordering_fields: ClassVar[dict[str, str]] = {
        name: name for name in ("id", "address", "vrf", "asn", "network")
    } | {"firewall": "box", "firewall_name": "firewall", "since": "left_at"}
    lookup_value_regex = "[0-9]{1,18}"


class RetiredSerializer(RowSerializer[Retired]):
    """A firewall that was freed and may still run what it was given."""

    management = ManagementSerializer(source="*", read_only=True)
    reserved = serializers.CharField(
        source="sentence", read_only=True, help_text="What it may still have, in words."
    )
    retired_at = UtcTime()
    through = serializers.SerializerMethodField()

    class Meta(RowSerializer.Meta):
        model = Retired
        fields = [
            "id",
            "name",
            "partition",
            "project",
            "network",
            "management",
            "through",
            "practice",
            "retired_at",
            "retired_by",
            "outcome",
            "error",
            "reserved",
        ]

    @extend_schema_field(WaySerializer(allow_null=True))
    def get_through(self, retired: Retired) -> Any:
        """Its own access, or that of its partition; those are read once for all of a list."""
        own: SshAccess | None = getattr(retired, "ssh_access", None)
        if own is None and "accesses" not in self.context:
            rows = SshAccess.objects.exclude(partition=None).select_related("seen")
            cast(dict[str, Any], self.context)["accesses"] = {row.partition_id: row for row in rows}
        return through(own or self.context["accesses"].get(retired.partition_id))


class GoneSerializer(serializers.Serializer[Any]):
    confirm = serializers.CharField(help_text="The firewall's name, once more.")


class TakeOffSerializer(serializers.Serializer[Any]):
    empty = serializers.BooleanField(
        default=False,
        help_text="Leave an empty configuration there, for one that has kept nothing of before.",
    )


class RetiredFilters(django_filters.FilterSet):
    id = Uuid()
    name = Exact()
    partition = Exact("partition_id")
    project = Exact()
    network = Exact()
    management = Exact("host")
    practice = YesNo()
    retired_by = Exact()
    outcome = django_filters.ChoiceFilter(choices=Retired.Outcome.choices)


class RetiredViewSet(ReadViewSet[Retired]):
    """Firewalls that were freed and may still run: until they are cleaned, or said to be gone."""

    queryset = (
        Retired.objects.defer("files", "steps").select_related("ssh_access__seen").with_reserved()
    )
    serializer_class = RetiredSerializer
    filterset_class = RetiredFilters
    search_fields: ClassVar[list[str]] = [
        "id",
        "name",
        "partition__id",
        "project",
        "network",
        "host",
    ]
    ordering_fields: ClassVar[dict[str, str]] = {
        name: name for name in ("id", "name", "project", "network", "retired_at")
    } | {"partition": "partition_id"}
    lookup_value_regex = UUID
    permissions = {"take_off": "firewalls.delete_firewall", "gone": "firewalls.delete_firewall"}

    @extend_schema(request=TakeOffSerializer, responses={202: RetiredSerializer})
    @action(detail=True, methods=["post"], url_path="take-off")
    def take_off(self, request: Request, id: str) -> Response:
        """Have a worker put back what it had before the first push, and nothing of ours."""
        body = TakeOffSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        by, leaves_empty = request.user.get_username(), body.validated_data["empty"]
        tasks.ask_to_take_off(self.get_object(), by, leaves_empty=leaves_empty)
        data = self.get_serializer(self.get_object()).data
        return Response(data, status.HTTP_202_ACCEPTED)

    @extend_schema(request=GoneSerializer, responses={204: None})
    @action(detail=True, methods=["post"])
    def gone(self, request: Request, id: str) -> Response:
        """Say that the box is gone: what it had is free."""
        body = GoneSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        retiring.gone(self.get_object(), body.validated_data["confirm"])
        return Response(status=status.HTTP_204_NO_CONTENT)
