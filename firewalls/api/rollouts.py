"""`rollouts/`: many firewalls at once, wave after wave."""

from collections.abc import Callable
from typing import Any

import django_filters
from django.contrib.postgres.aggregates import ArrayAgg
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls.models import Firewall, Rollout
from firewalls.pushing import rollouts
from networks.common.api.fields import RelatedId
from networks.common.api.lists import UUID, Exact, Integer, Time, Uuid
from networks.common.api.rows import RowSerializer
from networks.common.api.views import ReadViewSet
from networks.models import Network, Partition


class ProgressSerializer(serializers.Serializer[Any]):
    """How many firewalls it has, and of these how many are confirmed, failed, or wait or are under way."""

    total = serializers.IntegerField()
    confirmed = serializers.IntegerField()
    failed = serializers.IntegerField()
    waiting = serializers.IntegerField()


class RolloutSerializer(RowSerializer[Rollout]):
    """A rollout, its firewalls in the order of their turns."""

    firewalls = serializers.ListField(
        child=serializers.UUIDField(), source="firewall_ids", read_only=True
    )
    progress = serializers.SerializerMethodField()
    waves = serializers.JSONField(read_only=True)

    class Meta(RowSerializer.Meta):
        model = Rollout
        fields = [
            "id",
            "cause",
            "firewalls",
            "waves",
            "max_failures",
            "state",
            "reason",
            "progress",
            "created_by",
            "created_at",
            "finished_at",
        ]
        read_only_fields = fields

    @extend_schema_field(ProgressSerializer)
    def get_progress(self, rollout: Rollout) -> Any:
        return ProgressSerializer(rollout).data


class ChoiceSerializer(serializers.Serializer[Any]):
    """Which firewalls: all of a partition, all that live in a network or have joined it, or both conditions together."""

    partition = RelatedId(queryset=Partition.objects.all(), required=False)
    network = RelatedId(queryset=Network.objects.all(), required=False)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict) and (unknown := sorted(map(str, set(data) - set(self.fields)))):
            raise serializers.ValidationError(
                f"There is no filter {unknown[0]!r}; give a partition, a network, or both.",
                "unknown_filter",
            )
        if data == {}:
            raise serializers.ValidationError(
                "An empty filter would mean every firewall there is; give a partition or a network.",
                "empty",
            )
        chosen: dict[str, Any] = super().to_internal_value(data)
        return chosen


class RolloutRequestSerializer(serializers.Serializer[Any]):
    """Firewalls by their ids, or a filter, also in their place: `{"firewalls": {"partition": "fra"}}`."""

    firewalls = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=rollouts.MOST
    )
    filter = ChoiceSerializer(required=False)
    waves = serializers.JSONField(
        required=False, help_text="Sizes in order, such as [1, '10%', 'rest']."
    )
    max_failures = serializers.IntegerField(
        required=False, min_value=0, max_value=2**31 - 1, help_text="One more stops the rollout."
    )
    cause = serializers.CharField(required=False, max_length=400)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if (
            isinstance(data, dict)
            and isinstance(data.get("firewalls"), dict)
            and "filter" not in data
        ):
            data = {**data, "filter": data["firewalls"]}
            del data["firewalls"]
        asked: dict[str, Any] = super().to_internal_value(data)
        return asked

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("firewalls" in attrs) == ("filter" in attrs):
            reason = "Give either firewalls or a filter."
            raise serializers.ValidationError(
                {"firewalls": serializers.ErrorDetail(reason, "either_or")}
            )
        return attrs


class RolloutFilters(django_filters.FilterSet):
    id, cause, state = Uuid(), Exact(), django_filters.ChoiceFilter(choices=Rollout.State.choices)
    firewalls, max_failures, created_by = Uuid("members__firewall_id"), Integer(), Exact()
    created_at, finished_at = Time(), Time()


class RolloutViewSet(ReadViewSet[Rollout]):
    """Many firewalls brought to what is wanted of them, wave after wave."""

    queryset = Rollout.objects.with_progress().annotate(
        firewall_ids=ArrayAgg("members__firewall_id", order_by="members__position")
    )
    serializer_class = RolloutSerializer
    filterset_class = RolloutFilters
    search_fields = ["cause", "created_by"]
    ordering_fields = {
        name: name
        for name in (
            "id",
            "cause",
            "state",
            "created_at",
            "finished_at",
            "created_by",
            "max_failures",
        )
    }
    lookup_value_regex = UUID
    permissions = dict.fromkeys(
        ("create", "pause", "resume", "stop", "retry", "roll_back"), "firewalls.add_push"
    )

    @extend_schema(request=RolloutRequestSerializer, responses={202: RolloutSerializer})
    def create(self, request: Request, **kwargs: str) -> Response:
        """Start one."""
        asked = RolloutRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        firewalls, cause = (
            _listed(given["firewalls"]) if "firewalls" in given else _filtered(given["filter"])
        )
        made = rollouts.start(
            firewalls,
            cause=given.get("cause", cause),
            by=request.user.get_username(),
            sizes=given.get("waves"),
            max_failures=given.get("max_failures", 0),
        )
        return self._shown(made)

    @extend_schema(request=None, responses={202: RolloutSerializer})
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, id: str) -> Response:
        """Begin nothing more until it is resumed; what runs goes to its end."""
        return self._done(request, rollouts.pause)

    @extend_schema(request=None, responses={202: RolloutSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, id: str) -> Response:
        """Go on where it was paused."""
        return self._done(request, rollouts.resume)

    @extend_schema(request=None, responses={202: RolloutSerializer})
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, id: str) -> Response:
        """Leave the rest as it is; what runs goes to its end."""
        return self._done(request, rollouts.stop)

    @extend_schema(request=None, responses={202: RolloutSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, id: str) -> Response:
        """Try those again that failed, and go on with what waits."""
        return self._done(request, rollouts.retry)

    @extend_schema(request=None, responses={202: RolloutSerializer})
    @action(detail=True, methods=["post"], url_path="roll-back")
    def roll_back(self, request: Request, id: str) -> Response:
        """Stop it, and bring what it has changed back to what was there before; answers with the rollout that does so."""
        return self._shown(rollouts.roll_back(self.get_object(), request.user.get_username()))

    def _done(self, request: Request, act: Callable[[Rollout, str], None]) -> Response:
        rollout = self.get_object()
        act(rollout, request.user.get_username())
        return self._shown(rollout)

    def _shown(self, rollout: Rollout) -> Response:
        return Response(
            self.get_serializer(self.get_queryset().get(pk=rollout.pk)).data,
            status.HTTP_202_ACCEPTED,
        )


def _listed(ids: list[Any]) -> tuple[list[Firewall], str]:
    """These firewalls, in this order. Raises ValidationError for one that there is not."""
    found = Firewall.objects.select_related("machine").in_bulk(ids)
    if missing := [pk for pk in ids if pk not in found]:
        raise serializers.ValidationError(
            {
                "firewalls": serializers.ErrorDetail(
                    f"There is no firewall {missing[0]}.", "does_not_exist"
                )
            }
        )
    firewalls = list(dict.fromkeys(found[pk] for pk in ids))
    return firewalls, f"{len(firewalls)} chosen firewall{'' if len(firewalls) == 1 else 's'}"


def _filtered(chosen: dict[str, Any]) -> tuple[list[Firewall], str]:
    """Those that can be pushed to at all."""
    partition, network = chosen.get("partition"), chosen.get("network")
    cause = " ".join(
        [f"firewalls of {network}"] * bool(network)
        + ["firewalls"] * (not network)
        + [f"in {partition}"] * bool(partition)
    )
    return list(
        Firewall.objects.chosen(partition, network).exclude(host="").select_related("machine")
    ), cause
