"""`revisions/` and `pushes/`, to read."""

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls.api import words
from firewalls.api.serializers import PushSerializer, RevisionSerializer
from firewalls.models import Push, Revision
from firewalls.pushing.asking import start_now
from networks.common.api.bodies import Body
from networks.common.api.lists import UUID, Exact, Integer, OrNone, Time, Uuid
from networks.common.api.views import ReadViewSet


class RevisionFilters(django_filters.FilterSet):
    id = Integer()
    firewall = Uuid("firewall_id")
    number = Integer()
    digest = Exact()
    created_at = Time()
    created_by = Exact()
    cause = Exact()


class PushFilters(django_filters.FilterSet):
    id = Uuid()
    firewall = Uuid("firewall_id")
    revision = OrNone("revision__number", regex="[0-9]{1,9}")
    rollout = OrNone("rollout_id", regex=UUID)
    superseded_by = OrNone("superseded_by_id", regex=UUID)
    state = words.StateFilter(words.PUSH, choices=words.PUSH_STATES)
    outcome = django_filters.ChoiceFilter(field_name="state", choices=words.OUTCOMES)
    error = Exact()
    requested_by = Exact()
    created_at = Time()
    started_at = Time()
    finished_at = Time()


class RevisionViewSet(ReadViewSet[Revision]):
    """The distinct configurations that were wanted of firewalls."""

    queryset = Revision.objects.defer("files", "plan")
    serializer_class = RevisionSerializer
    filterset_class = RevisionFilters
    search_fields = ["digest", "cause", "created_by", "firewall__machine__name"]
    ordering_fields = {
        "id": "id",
        "number": "number",
        "digest": "digest",
        "created_at": "created_at",
        "created_by": "created_by",
        "cause": "cause",
        "firewall": "firewall_id",
    }
    lookup_value_regex = "[0-9]{1,18}"


class ReasonSerializer(Body[Any]):
    reason = serializers.CharField(max_length=400, help_text="Why: kept in the audit trail.")


class PushViewSet(ReadViewSet[Push]):
    """The attempts to bring configurations to firewalls, with their steps."""

    queryset = (
        Push.objects.select_related("revision", "firewall__machine")
        .defer("revision__files", "revision__plan")
        .annotate(promised=words.promised(words.PUSH))
    )
    serializer_class = PushSerializer
    filterset_class = PushFilters
    search_fields = ["error", "requested_by", "firewall__machine__name"]
    ordering_fields = {
        "id": "id",
        "state": "promised",
        "created_at": "created_at",
        "started_at": "started_at",
        "finished_at": "finished_at",
        "requested_by": "requested_by",
        "firewall": "firewall_id",
        "revision": "revision__number",
    }
    lookup_value_regex = UUID
    permissions = {"now": "firewalls.add_push"}

    @extend_schema(request=ReasonSerializer, responses={202: PushSerializer})
    @action(detail=True, methods=["post"])
    def now(self, request: Request, id: str) -> Response:
        """Have it start now, although it waits for a maintenance window."""
        body = ReasonSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        by, reason = request.user.get_username(), body.validated_data["reason"]
        start_now(self.matching(request), by=by, reason=reason)
        return Response(self.get_serializer(self.get_object()).data, status.HTTP_202_ACCEPTED)
