"""`firewalls/`: allocating and freeing them, joining and leaving networks, and what they are to be configured with."""

from typing import Any

import django_filters
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls import tasks
from firewalls.allocation import free_firewall, join, leave
from firewalls.api.observed import ObservedMixin
from firewalls.api.serializers import FirewallSerializer, PushSerializer
from firewalls.configuration.diffs import Files, unified
from firewalls.intent import revisions
from firewalls.models import Firewall, Push, Revision
from machines.allocation import lock_machine
from networks.common.api.fields import InetText, RelatedId
from networks.common.api.lists import UUID, Among, Exact, Inet, Integer, Label, Uuid, YesNo
from networks.models import Network

REVISION = OpenApiParameter(
    "revision", int, description="A revision's number; without it, the one wanted now."
)
SIDE = "A revision's number, or `applied`, `wanted`, or `box`: what lay there when the firewall was last looked at."


class JoinSerializer(serializers.Serializer[Any]):
    network = RelatedId(queryset=Network.objects.prefetch_related("prefixes"))
    auto = serializers.BooleanField(default=True)
    addresses = serializers.ListField(child=InetText(), required=False, default=list)


class PushRequestSerializer(serializers.Serializer[Any]):
    revision = serializers.IntegerField(
        required=False, allow_null=True, help_text="A revision's number; an older one rolls back."
    )


class ConfigSerializer(serializers.Serializer[Any]):
    revision = serializers.IntegerField()
    digest = serializers.CharField()
    files = serializers.DictField(child=serializers.CharField())


class DiffSerializer(serializers.Serializer[Any]):
    files = serializers.DictField(
        child=serializers.CharField(), help_text="A unified diff per file that differs."
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        sides = {side: serializers.IntegerField(allow_null=True) for side in ("from", "to")}
        return {**sides, **super().get_fields()}


class CheckSerializer(serializers.Serializer[Any]):
    firewall = serializers.UUIDField()
    state = serializers.ChoiceField(choices=Firewall.State.choices)


class FirewallFilters(django_filters.FilterSet):
    id, name = Uuid("machine_id"), Exact("machine__name")
    partition, project, network = (
        Exact("machine__partition_id"),
        Exact("machine__project_id"),
        Exact("machine__primary_id"),
    )
    attachments, router_id = Exact("attachments__network_id"), Inet("machine__addresses__address")
    asn, labels, uplinks = Integer("machine__asn"), Label("machine__labels"), Among()
    management, practice = Exact("host"), YesNo()
    state = django_filters.ChoiceFilter(choices=Firewall.State.choices)


class FirewallViewSet(ObservedMixin):
    """Machines that guard their primary network and join further ones."""

    queryset = (
        Firewall.objects.select_related("machine")
        .with_revisions()
        .with_state()
        .prefetch_related("attachments__network", "machine__addresses__prefix__network", "rules")
    )
    serializer_class = FirewallSerializer
    filterset_class = FirewallFilters
    search_fields = [
        "machine__id",
        "machine__name",
        "machine__partition__id",
        "machine__project__id",
        "machine__primary__id",
        "machine__addresses__address",
        "host",
    ]
    ordering_fields = {
        "id": "machine_id",
        "name": "machine__name",
        "partition": "machine__partition_id",
        "project": "machine__project_id",
        "network": "machine__primary_id",
        "asn": "machine__asn",
        "state": "state",
        "created_at": "machine__created_at",
    }
    lookup_value_regex = UUID
    moving = ("state", "wanted", "applied", "drift", "unreachable_since")
    permissions = {
        "attachments": "firewalls.add_attachment",
        "leave": "firewalls.delete_attachment",
        "config": "firewalls.view_revision",
        "diff": "firewalls.view_revision",
        "push": "firewalls.add_push",
        "check": "firewalls.add_push",
        "host_key": "firewalls.view_firewall",
        "drift": "firewalls.view_firewall",
        "accept_drift": "firewalls.add_push",
    }

    def lock(self, row: Firewall) -> bool:
        return lock_machine(row.machine)

    def remove(self, row: Firewall) -> None:
        free_firewall(row)

    @extend_schema(request=JoinSerializer, responses={201: FirewallSerializer})
    @action(detail=True, methods=["post"])
    def attachments(self, request: Request, id: str) -> Response:
        """Join a shared or external network."""
        firewall = self.locked(request)
        asked = JoinSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        join(firewall, by=request.user.get_username(), **asked.validated_data)
        return self.answer(firewall, status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    @action(detail=True, methods=["delete"], url_path="attachments/(?P<network>[A-Za-z0-9._-]+)")
    def leave(self, request: Request, id: str, network: str) -> Response:
        """Leave a network that it joined."""
        firewall = self.locked(request)
        left = Network.objects.filter(pk=network).first()
        if left is None or not (
            left == firewall.primary or firewall.attachments.filter(network=left).exists()
        ):
            raise Http404
        leave(firewall, left, by=request.user.get_username())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(parameters=[REVISION], responses=ConfigSerializer)
    @action(detail=True, filter_backends=[], pagination_class=None)
    def config(self, request: Request, id: str) -> Response:
        """The files of a revision, by path."""
        revision = side(
            self.get_object(), request.query_params.get("revision", "wanted"), "revision"
        )
        if revision is None:
            raise Http404
        return self.read(
            request,
            {"revision": revision.number, "digest": revision.digest, "files": revision.files},
        )

    @extend_schema(
        parameters=[
            OpenApiParameter(name, description=SIDE, default=default)
            for name, default in (("from", "applied"), ("to", "wanted"))
        ],
        responses=DiffSerializer,
    )
    @action(detail=True, filter_backends=[], pagination_class=None)
    def diff(self, request: Request, id: str) -> Response:
        """What differs between two revisions, or between one and what lies on the firewall."""
        firewall, asked = self.get_object(), request.query_params
        sides = {
            name: asked.get(name, default)
            for name, default in (("from", "applied"), ("to", "wanted"))
        }
        (old, before), (new, after) = (texts(firewall, text, name) for name, text in sides.items())
        return self.read(
            request, {"from": old, "to": new, "files": unified(before, after, *sides.values())}
        )

    @extend_schema(request=PushRequestSerializer, responses={202: PushSerializer})
    @action(detail=True, methods=["post"])
    def push(self, request: Request, id: str) -> Response:
        """Queue a push of the latest revision, or of the one asked for."""
        firewall = self.locked(request)
        asked = PushRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        number = asked.validated_data.get("revision")
        revision = None if number is None else firewall.revisions.filter(number=number).first()
        if number is not None and revision is None:
            reason = f"{firewall.name} has no revision {number}."
            raise serializers.ValidationError({"revision": reason}, code="does_not_exist")
        push = Push.objects.enqueue(firewall, by=request.user.get_username(), revision=revision)
        return Response(
            PushSerializer(Push.objects.select_related("revision").get(pk=push.pk)).data,
            status.HTTP_202_ACCEPTED,
        )

    @extend_schema(request=None, responses={202: CheckSerializer})
    @action(detail=True, methods=["post"])
    def check(self, request: Request, id: str) -> Response:
        """Have a worker compare what is on the firewall with what was applied."""
        firewall = self.locked(request)
        tasks.inspect_soon([firewall])
        shown = self.get_serializer(firewall).data
        return Response(
            {"firewall": shown["id"], "state": shown["state"]}, status.HTTP_202_ACCEPTED
        )


def texts(firewall: Firewall, text: str, name: str) -> tuple[int | None, Files]:
    """The number and the files of the revision that a query names, or what lies on the box. Raises Http404."""
    if text == revisions.BOX:
        return None, revisions.files_on_firewall(firewall)
    revision = side(firewall, text, name)
    return (revision.number, revision.files) if revision else (None, {})


def side(firewall: Firewall, text: str, name: str) -> Revision | None:
    """The revision that a query names; None for `applied` or `wanted` where there is none yet. Raises Http404."""
    try:
        return revisions.revision_named(firewall, text)
    except ValueError as error:
        reason = f"{text!r} is no revision; give a number, applied, wanted or box."
        raise serializers.ValidationError({name: reason}, code="invalid_revision") from error
    except Revision.DoesNotExist as error:
        raise Http404(f"{firewall.name} has no revision {text}.") from error
