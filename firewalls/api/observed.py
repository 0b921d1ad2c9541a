"""What was seen on a firewall: its host key, and what differs from what was applied."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls.models import Drift, Firewall
from firewalls.pushing import drift, hostkeys
from networks.common.api.fields import UtcTime
from networks.common.api.views import RowViewSet


class KeySerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    fingerprint = serializers.CharField()


class HostKeySerializer(serializers.Serializer[Any]):
    """The pinned key, and the one it has shown that is not pinned. `changed`: nothing is sent until somebody judges."""

    pinned = KeySerializer(allow_null=True)
    offered = KeySerializer(allow_null=True)
    offered_at = UtcTime(allow_null=True)
    changed = serializers.BooleanField()


class ConfirmKeySerializer(serializers.Serializer[Any]):
    fingerprint = serializers.CharField(
        max_length=100, help_text="As the firewall's own console shows it: SHA256:…"
    )


class DriftSerializer(serializers.Serializer[Any]):
    found_at = UtcTime(allow_null=True)
    accepted_at = UtcTime(allow_null=True)
    accepted_by = serializers.CharField()
    files = serializers.DictField(
        child=serializers.CharField(), help_text="A unified diff per file, and of what runs."
    )


def host_key(firewall: Firewall) -> dict[str, Any]:
    keys = {"pinned": firewall.host_key, "offered": firewall.offered_key}
    told = {
        name: {"key": key, "fingerprint": hostkeys.fingerprint_of(key)} if key else None
        for name, key in keys.items()
    }
    return told | {"offered_at": firewall.offered_at, "changed": firewall.key_changed}


class ObservedMixin(RowViewSet[Firewall]):
    """Actions of `firewalls/` about what was seen there."""

    queryset = Firewall.objects.none()

    @extend_schema(request=None, responses=HostKeySerializer, methods=["get"])
    @extend_schema(request=ConfirmKeySerializer, responses=HostKeySerializer, methods=["post"])
    @action(
        detail=True,
        methods=["get", "post"],
        url_path="host-key",
        filter_backends=[],
        pagination_class=None,
    )
    def host_key(self, request: Request, id: str) -> Response:
        """The host keys; posted, the fingerprint that somebody has compared: the key shown last is pinned."""
        if request.method == "GET":
            return self.read(request, HostKeySerializer(host_key(self.get_object())).data)
        if not request.user.has_perm("firewalls.add_push"):
            self.permission_denied(request)
        firewall = self.locked(request)
        asked = ConfirmKeySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        hostkeys.confirm(firewall, asked.validated_data["fingerprint"])
        return Response(HostKeySerializer(host_key(self.get_object())).data)

    @extend_schema(responses=DriftSerializer)
    @action(detail=True, filter_backends=[], pagination_class=None)
    def drift(self, request: Request, id: str) -> Response:
        """What differs on the firewall from what was applied; nothing where it was not found to have drifted."""
        found = Drift.objects.filter(firewall=self.get_object()).first()
        empty: dict[str, Any] = {
            "found_at": None,
            "accepted_at": None,
            "accepted_by": "",
            "files": {},
        }
        data = DriftSerializer(
            {**empty, **vars(found), "files": found.diffs} if found else empty
        ).data
        return self.read(request, data)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"], url_path="accept-drift")
    def accept_drift(self, request: Request, id: str) -> Response:
        """Take what was found for right, until something changes there again or is pushed."""
        drift.accept(self.locked(request), by=request.user.get_username())
        return Response(status=status.HTTP_204_NO_CONTENT)
