"""`ssh-access/`: through which host the SSH of firewalls goes, and who certifies their keys."""

from typing import Any, ClassVar

import django_filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls.api.observed import (
    ConfirmKeySerializer,
    HostKeySerializer,
    keys_shown,
    typed_fingerprint,
)
from firewalls.models import Firewall, SshAccess
from firewalls.pushing import jump_hosts
from networks.common.api.fields import RelatedId, UtcTime
from networks.common.api.lists import Exact, Integer, Uuid
from networks.common.api.rows import RowSerializer
from networks.common.api.views import RowViewSet
from networks.models import Partition


class SshAccessSerializer(RowSerializer[SshAccess]):
    """Of all firewalls of a partition, or of one, which then goes by this alone.

    `trouble`: why the jump host let nobody through when it was tried last. Of the firewalls behind
    it nothing is known then.
    """

    partition = RelatedId(queryset=Partition.objects.all(), required=False, allow_null=True)
    firewall = RelatedId(
        queryset=Firewall.objects.select_related("machine"), required=False, allow_null=True
    )
    retired = serializers.UUIDField(
        source="retired_id",
        read_only=True,
        allow_null=True,
        help_text="The firewall that it was of, and which was freed since.",
    )
    trouble = serializers.CharField(read_only=True)
    failed_at = serializers.SerializerMethodField()
    fixed = ("id", "partition", "firewall")

    class Meta(RowSerializer.Meta):
        model = SshAccess
        fields = [
            "id",
            "partition",
            "firewall",
            "retired",
            "jump_host",
            "jump_port",
            "jump_user",
            "jump_key",
            "host_ca",
            "trouble",
            "failed_at",
        ]
        read_only_fields = ["id"]

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_failed_at(self, access: SshAccess) -> Any:
        at = access.seen.failed_at if access.trouble else None
        return UtcTime().to_representation(at) if at else None


class SshAccessFilters(django_filters.FilterSet):
    id = Integer()
    partition = Exact("partition_id")
    firewall = Uuid("firewall_id")
    retired = Uuid("retired_id")
    jump_host = Exact()
    jump_port = Integer()
    jump_user = Exact()


class SshAccessViewSet(RowViewSet[SshAccess]):
    """How the SSH of firewalls is reached: a jump host, its pinned key, a key that certifies."""

    queryset = SshAccess.objects.select_related("seen", "partition", "retired", "firewall__machine")
    serializer_class = SshAccessSerializer
    filterset_class = SshAccessFilters
    search_fields: ClassVar[list[str]] = [
        "partition__id",
        "firewall__machine__name",
        "retired__name",
        "jump_host",
    ]
    ordering_fields: ClassVar[dict[str, str]] = {
        name: name for name in ("id", "jump_host", "jump_port", "jump_user")
    } | {"partition": "partition_id", "firewall": "firewall_id", "retired": "retired_id"}
    lookup_value_regex = "[0-9]{1,18}"
    moving = ("trouble", "failed_at")
    permissions = {"host_key": "firewalls.view_sshaccess", "confirm": "firewalls.change_sshaccess"}

    @extend_schema(responses=HostKeySerializer)
    @action(detail=True, methods=["get"], url_path="host-key")
    def host_key(self, request: Request, id: str) -> Response:
        """The pinned key of the jump host, and the one that it showed instead."""
        return self.read(request, _keys(self.get_object()))

    @extend_schema(request=ConfirmKeySerializer, responses=HostKeySerializer)
    @host_key.mapping.post
    def confirm(self, request: Request, id: str) -> Response:
        """Pin the key shown last, by the fingerprint that somebody has compared."""
        access = self.locked(request)
        jump_hosts.confirm(access, typed_fingerprint(request))
        return Response(_keys(self.get_object()))


def _keys(access: SshAccess) -> Any:
    offered = access.offered_key
    return keys_shown(access.jump_key, offered, access.seen.failed_at, changed=bool(offered))
