"""What workers saw on a firewall: its host key, and what differs from what was applied."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls import tasks
from firewalls.api import words
from firewalls.api.rows import FirewallRows
from firewalls.models import Drift, Firewall
from firewalls.pushing import drift, hostkeys
from networks.common.api.bodies import Body, refuse_any_body
from networks.common.api.fields import UtcTime


class KeySerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    fingerprint = serializers.CharField()


class HostKeySerializer(serializers.Serializer[Any]):
    """The pinned key, and one it showed that is not. `changed`: nothing is sent until judged."""

    pinned = KeySerializer(allow_null=True)
    offered = KeySerializer(allow_null=True)
    offered_at = UtcTime(allow_null=True)
    changed = serializers.BooleanField()


class ConfirmKeySerializer(Body[Any]):
    fingerprint = serializers.CharField(
        max_length=100, help_text="As the firewall's own console shows it: SHA256:…"
    )


class DriftSerializer(serializers.Serializer[Any]):
    found_at = UtcTime(allow_null=True)
    digest = serializers.CharField(help_text="By which the same differences are known again.")
    accepted_at = UtcTime(allow_null=True)
    accepted_by = serializers.CharField()
    files = serializers.DictField(
        child=serializers.CharField(), help_text="A unified diff per file, and of what runs."
    )


class AcceptSerializer(Body[Any]):
    digest = serializers.CharField(
        max_length=64,
        default="",
        help_text="Of the differences that were shown: others are not accepted.",
    )


class CheckSerializer(serializers.Serializer[Any]):
    firewall = serializers.UUIDField()
    state = serializers.ChoiceField(choices=words.FIREWALL_STATES)


class HostKeyView(FirewallRows):
    permissions = {"keys": "firewalls.view_firewall", "confirm": "firewalls.add_push"}
    filter_backends = []

    @extend_schema(responses=HostKeySerializer)
    def keys(self, request: Request, id: str) -> Response:
        """The pinned host key, and the one that the firewall showed instead."""
        return self.read(request, _keys(self.get_object()))

    @extend_schema(request=ConfirmKeySerializer, responses=HostKeySerializer)
    def confirm(self, request: Request, id: str) -> Response:
        """Pin the key shown last, by the fingerprint that somebody has compared."""
        firewall = self.locked(request)
        hostkeys.confirm(firewall, typed_fingerprint(request))
        return Response(_keys(self.get_object()))


def typed_fingerprint(request: Request) -> str:
    """The fingerprint in the request's body. Raises ValidationError where it lacks one."""
    body = ConfirmKeySerializer(data=request.data)
    body.is_valid(raise_exception=True)
    typed: str = body.validated_data["fingerprint"]
    return typed


def _keys(firewall: Firewall) -> Any:
    seen_at = firewall.observation.offered_at
    return keys_shown(
        firewall.host_key, firewall.unjudged_key, seen_at, changed=firewall.key_changed
    )


def keys_shown(pinned: str, offered: str, offered_at: datetime | None, *, changed: bool) -> Any:
    """The pinned key and one that was shown instead, in the shape of HostKeySerializer."""
    return HostKeySerializer(
        {
            "pinned": _key_pair(pinned),
            "offered": _key_pair(offered),
            "offered_at": offered_at if offered else None,
            "changed": changed,
        }
    ).data


def _key_pair(key: str) -> dict[str, str] | None:
    return {"key": key, "fingerprint": hostkeys.fingerprint_of(key)} if key else None


class DriftView(FirewallRows):
    permissions = {"drift": "firewalls.view_firewall"}
    filter_backends = []

    @extend_schema(responses=DriftSerializer)
    def drift(self, request: Request, id: str) -> Response:
        """What differs on the firewall from what was applied; nothing if it has not drifted."""
        rows = Drift.objects.select_related("firewall__accepted_drift")
        row = rows.filter(firewall=self.get_object()).first()
        acceptance = row.acceptance if row else None
        data = {
            "found_at": row.found_at if row else None,
            "digest": row.digest if row else "",
            "accepted_at": acceptance.accepted_at if acceptance else None,
            "accepted_by": acceptance.accepted_by if acceptance else "",
            "files": row.diffs if row else {},
        }
        return self.read(request, DriftSerializer(data).data)


class InspectionView(FirewallRows):
    permissions = {"accept": "firewalls.add_push", "check": "firewalls.add_push"}

    @extend_schema(request=AcceptSerializer, responses={204: None})
    def accept(self, request: Request, id: str) -> Response:
        """Take what was found for right, until something changes there again or is pushed."""
        firewall = self.locked(request)
        body = AcceptSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        drift.accept(firewall, by=request.user.get_username(), seen=body.validated_data["digest"])
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={202: CheckSerializer})
    def check(self, request: Request, id: str) -> Response:
        """Have a worker compare what is on the firewall with what was applied."""
        refuse_any_body(request)
        firewall = self.locked(request)
        tasks.inspect_soon([firewall])
        data = self.get_serializer(firewall).data
        answer = {"firewall": data["id"], "state": data["state"]}
        return Response(answer, status.HTTP_202_ACCEPTED)
