"""`firewalls/`: allocating and freeing them, joining and leaving networks, and pushing."""

from typing import Any

import django_filters
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls.allocation import free_firewall, join, leave
from firewalls.api import words
from firewalls.api.joining import ASKED, EffectSerializer, JoinSerializer, asked
from firewalls.api.rows import FirewallRows
from firewalls.api.serializers import FirewallSerializer, PushSerializer
from firewalls.models import Choice, Firewall, FirewallQuerySet, Push, Revision
from firewalls.models.states import HELD
from firewalls.previews import join_preview, leave_preview
from firewalls.pushing import appliers, cautions
from firewalls.pushing.asking import Wish, ask
from networks.common.api.bodies import Body
from networks.common.api.lists import Among, Exact, Inet, Integer, Label, Uuid, YesNo
from networks.models import Network


class PushRequestSerializer(Body[Any]):
    revision = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="A revision's number; an older one rolls back, 0 restores what it had before.",
    )
    start = serializers.ChoiceField(
        choices=[one for one in Choice.Start.choices if one[0]],
        required=False,
        help_text="Also outside of a maintenance window, or in one also where that is for automatic"
        " pushes only.",
    )
    confirm = serializers.BooleanField(
        default=False, help_text="It is meant, although it may lock us out of the firewall."
    )
    reason = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=400,
        help_text="Why it starts now, or is meant: kept in the audit trail.",
    )

    def wish(self) -> Wish:
        """What was chosen beside the revision."""
        chosen = self.validated_data
        start, reason = chosen.get("start", ""), chosen.get("reason", "")
        return Wish(start=start, may_lock_out=chosen["confirm"], reason=reason)


class InNetwork(Exact):
    """One of the networks that `attachments` lists, the primary one among them."""

    def filter(self, qs: Any, value: str) -> Any:
        return qs.in_network(value) if value else qs


class RouterId(Inet):
    """The address in the underlay, and no other one of the firewall."""

    def filter(self, qs: Any, value: Any) -> Any:
        return qs.with_router_id(value) if value else qs


class FirewallFilters(django_filters.FilterSet):
    id = Uuid("machine_id")
    name = Exact("machine__name")
    partition = Exact("machine__partition_id")
    project = Exact("machine__project_id")
    network = Exact("machine__primary_id")
    attachments = InNetwork()
    router_id = RouterId()
    asn = Integer("machine__asn")
    labels = Label("machine__labels")
    uplinks = Among()
    management = Exact("host")
    practice = YesNo()
    held = YesNo(method="that_is_held")
    state = words.StateFilter(words.FIREWALL, choices=words.FIREWALL_STATES)
    applier = django_filters.ChoiceFilter(choices=appliers.State.choices, method="with_applier")
    cautions = django_filters.ChoiceFilter(choices=cautions.Code.choices, method="with_caution")

    def that_is_held(self, rows: FirewallQuerySet, name: str, value: str) -> FirewallQuerySet:
        return rows.filter(HELD) if value == "true" else rows.exclude(HELD)

    def with_applier(self, rows: FirewallQuerySet, name: str, value: str) -> FirewallQuerySet:
        return rows.filter(appliers.condition(value))

    def with_caution(self, rows: FirewallQuerySet, name: str, value: str) -> FirewallQuerySet:
        return rows.filter(cautions.condition(value))


class FirewallViewSet(FirewallRows):
    """Machines that guard their primary network and join further ones."""

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
    parameters = {"joining": ("network", "addresses")}
    repeated = ("addresses",)
    permissions = {
        "attachments": "firewalls.add_attachment",
        "joining": "firewalls.add_attachment",
        "leave": "firewalls.delete_attachment",
        "leaving": "firewalls.delete_attachment",
        "push": "firewalls.add_push",
    }

    def remove(self, row: Firewall) -> None:
        free_firewall(row, by=self.request.user.get_username())

    @extend_schema(request=JoinSerializer, responses={201: FirewallSerializer})
    @action(detail=True, methods=["post"])
    def attachments(self, request: Request, id: str) -> Response:
        """Join a shared or external network."""
        firewall = self.locked(request)
        body = JoinSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        join(firewall, by=request.user.get_username(), **body.validated_data)
        return self.answer(firewall, status.HTTP_201_CREATED)

    @extend_schema(
        parameters=ASKED, responses=EffectSerializer, operation_id="firewalls_join_effect"
    )
    @attachments.mapping.get
    def joining(self, request: Request, id: str) -> Response:
        """What joining would change, and the addresses that it would get there."""
        wanted = asked(request)
        firewall = get_object_or_404(self.get_queryset(), pk=id)  # the query is no filter
        effect = join_preview(firewall, wanted["network"], addresses=wanted["addresses"])
        return self.read(request, EffectSerializer(effect).data)

    @extend_schema(responses={204: None})
    @action(detail=True, methods=["delete"], url_path="attachments/(?P<network>[A-Za-z0-9._-]+)")
    def leave(self, request: Request, id: str, network: str) -> Response:
        """Leave a network that it joined."""
        firewall = self.locked(request)
        leave(firewall, _joined(firewall, network), by=request.user.get_username())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=EffectSerializer, operation_id="firewalls_leave_effect")
    @leave.mapping.get
    def leaving(self, request: Request, id: str, network: str) -> Response:
        """What leaving would change, and the addresses that it would give back."""
        firewall = self.get_object()
        effect = leave_preview(firewall, _joined(firewall, network))
        return self.read(request, EffectSerializer(effect).data)

    @extend_schema(request=PushRequestSerializer, responses={202: PushSerializer})
    @action(detail=True, methods=["post"])
    def push(self, request: Request, id: str) -> Response:
        """Queue a push of the latest revision, or of the one asked for.

        Refused where the firewall is held (409), or where the push would lock us out of it.
        """
        firewall = self.locked(request)
        body = PushRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        revision = _revision(firewall, body.validated_data.get("revision"))
        by = request.user.get_username()
        queued = ask(firewall, by=by, revision=revision, wish=body.wish())
        push = Push.objects.select_related("revision").get(pk=queued.pk)
        return Response(PushSerializer(push).data, status.HTTP_202_ACCEPTED)


def _joined(firewall: Firewall, name: str) -> Network:
    """The network of this id, where the firewall is in it. Raises Http404."""
    network = Network.objects.filter(pk=name).first()
    if network is None or not _is_in(firewall, network):
        raise Http404
    return network


def _is_in(firewall: Firewall, network: Network) -> bool:
    joined = firewall.attachments.filter(network=network)
    return network == firewall.primary or joined.exists()


def _revision(firewall: Firewall, number: int | None) -> Revision | None:
    """The firewall's revision of this number, if one is asked for. Raises ValidationError."""
    if number is None:
        return None
    revision = firewall.revisions.filter(number=number).first()
    if revision is None:
        reason = f"{firewall.name} has no revision {number}."
        raise serializers.ValidationError({"revision": reason}, code="does_not_exist")
    return revision
