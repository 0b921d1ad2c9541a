"""`rollouts/`: many firewalls at once, wave after wave."""

from typing import Any

import django_filters
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q, Value
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls.api.pushes import ReasonSerializer
from firewalls.api.rollout_requests import RolloutRequestSerializer
from firewalls.api.waves import Waves
from firewalls.models import Rollout
from firewalls.models.start import Start
from firewalls.pushing import rollouts
from firewalls.pushing.actions import ACTIONS
from networks.common.api.bodies import refuse_any_body
from networks.common.api.lists import UUID, Exact, Integer, OrNone, Time, Uuid
from networks.common.api.rows import RowSerializer
from networks.common.api.views import ReadViewSet


class ProgressSerializer(serializers.Serializer[Any]):
    """How many firewalls it has; all the others add up to the total.

    `taken_over`: a later push, which is not the rollout's own, took the place of its own. `gone`:
    freed before their turn. `passed_over`: held when it was their turn. `waiting`: also those under
    way.
    """

    total = serializers.IntegerField()
    confirmed = serializers.IntegerField()
    failed = serializers.IntegerField()
    taken_over = serializers.IntegerField()
    gone = serializers.IntegerField()
    passed_over = serializers.IntegerField()
    waiting = serializers.IntegerField()


class RolloutSerializer(RowSerializer[Rollout]):
    """A rollout, its firewalls in the order of their turns."""

    firewalls = serializers.ListField(
        child=serializers.UUIDField(), source="firewall_ids", read_only=True
    )
    freed = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="The names of its firewalls that were freed since.",
    )
    automatic = serializers.SerializerMethodField(
        help_text="The partition in which it began by itself; null where somebody asked for it."
    )
    progress = serializers.SerializerMethodField()
    waves = Waves(read_only=True)

    class Meta(RowSerializer.Meta):
        model = Rollout
        fields = [
            "id",
            "cause",
            "firewalls",
            "freed",
            "automatic",
            "waves",
            "max_failures",
            "at_once",
            "start",
            "start_reason",
            "state",
            "reason",
            "progress",
            "created_by",
            "created_at",
            "finished_at",
        ]
        read_only_fields = fields

    def get_automatic(self, rollout: Rollout) -> str | None:
        return rollout.partition_id

    @extend_schema_field(ProgressSerializer)
    def get_progress(self, rollout: Rollout) -> Any:
        return ProgressSerializer(rollout).data


class RolloutFilters(django_filters.FilterSet):
    id = Uuid()
    cause = Exact()
    state = django_filters.ChoiceFilter(choices=Rollout.State.choices)
    firewalls = Uuid("members__firewall_id")
    automatic = OrNone("partition_id")
    max_failures = Integer()
    at_once = Integer()
    start = django_filters.ChoiceFilter(choices=Start.choices)
    created_by = Exact()
    created_at = Time()
    finished_at = Time()


def _posted(name: str) -> Any:
    """The method of the view set that answers `rollouts/{id}/<name>/`."""

    def method(self: "RolloutViewSet", request: Request, id: str) -> Response:
        refuse_any_body(request)
        rollout = self.locked(request)
        made = ACTIONS[name].act(rollout, request.user.get_username())
        return self.accepted(made or rollout)

    method.__name__ = name.replace("-", "_")
    method.__doc__ = ACTIONS[name].meaning
    posted = action(detail=True, methods=["post"], url_path=name)(method)
    return extend_schema(request=None, responses={202: RolloutSerializer})(posted)


def _in_order(column: str, *, freed: bool) -> ArrayAgg:
    """This column of its members whose firewall was freed, or is there still."""
    chosen = Q(members__isnull=False, members__firewall__isnull=freed)
    return ArrayAgg(column, filter=chosen, order_by="members__position", default=Value([]))


class RolloutViewSet(ReadViewSet[Rollout]):
    """Many firewalls brought to what is wanted of them, wave after wave."""

    queryset = Rollout.objects.with_progress().annotate(
        firewall_ids=_in_order("members__firewall_id", freed=False),
        freed=_in_order("members__name", freed=True),
    )
    moving = ("progress",)
    serializer_class = RolloutSerializer
    filterset_class = RolloutFilters
    search_fields = ["cause", "created_by"]
    ordering_fields = {
        "id": "id",
        "cause": "cause",
        "state": "state",
        "created_at": "created_at",
        "finished_at": "finished_at",
        "created_by": "created_by",
        "max_failures": "max_failures",
        "at_once": "at_once",
    }
    lookup_value_regex = UUID
    permissions = dict.fromkeys(
        ("create", "pause", "resume", "stop", "retry", "roll_back", "now"), "firewalls.add_push"
    )
    pause = _posted("pause")
    resume = _posted("resume")
    stop = _posted("stop")
    retry = _posted("retry")
    roll_back = _posted("roll-back")

    @extend_schema(request=RolloutRequestSerializer, responses={202: RolloutSerializer})
    def create(self, request: Request, **kwargs: str) -> Response:
        """Start one."""
        body = RolloutRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        firewalls, cause = body.chosen()
        rollout = rollouts.start(
            firewalls,
            cause=body.validated_data.get("cause", cause),
            by=request.user.get_username(),
            sizes=body.validated_data.get("waves"),
            max_failures=body.validated_data.get("max_failures", 0),
            at_once=body.validated_data.get("at_once"),
            wish=body.wish(),
        )
        return self.accepted(rollout)

    @extend_schema(request=ReasonSerializer, responses={202: RolloutSerializer})
    @action(detail=True, methods=["post"])
    def now(self, request: Request, id: str) -> Response:
        """Have it go on now, although it waits for a maintenance window."""
        body = ReasonSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        by, reason = request.user.get_username(), body.validated_data["reason"]
        rollout = self.locked(request)
        rollouts.start_now(rollout, by, reason)
        return self.accepted(rollout)

    def accepted(self, rollout: Rollout) -> Response:
        """The rollout as it is stored now."""
        stored = self.get_queryset().get(pk=rollout.pk)
        return Response(self.get_serializer(stored).data, status.HTTP_202_ACCEPTED)
