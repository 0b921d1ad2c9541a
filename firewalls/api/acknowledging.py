"""`causes/` and `acknowledgements/`: what is wrong, and who knows of it until when."""

from typing import Any, ClassVar

import django_filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls.models import Acknowledgement, Firewall
from firewalls.pushing import acknowledging
from firewalls.pushing.causes import URGENCY, causes
from networks.common.api.fields import UtcTime
from networks.common.api.lists import Exact, Integer, Pages, Time
from networks.common.api.queries import PAGES
from networks.common.api.rows import RowSerializer
from networks.common.api.views import RowViewSet, WholeWrites

STATES = [str(state) for state in URGENCY]


class AcknowledgementSerializer(RowSerializer[Acknowledgement]):
    """Somebody knows of a cause. It speaks of the `firewalls` that it had then, and no others."""

    fixed = ("id", "state", "reason")
    state = serializers.ChoiceField(choices=STATES, help_text="As in causes/.")
    reason = serializers.CharField(required=False, allow_blank=True, help_text="As in causes/.")
    firewalls = serializers.ListField(child=serializers.UUIDField(), read_only=True)

    class Meta(RowSerializer.Meta):
        model = Acknowledgement
        fields = [
            "id",
            "state",
            "reason",
            "note",
            "until",
            "since",
            "acknowledged_by",
            "firewalls",
        ]
        read_only_fields = ["id", "since", "acknowledged_by"]

    def create(self, validated_data: dict[str, Any]) -> Acknowledgement:
        by = self.context["request"].user.get_username()
        reason = validated_data.pop("reason", "")
        return acknowledging.acknowledge(**validated_data, reason=reason, by=by)


class AcknowledgementFilters(django_filters.FilterSet):
    id = Integer()
    state = django_filters.ChoiceFilter(choices=[(state, state) for state in STATES])
    reason = Exact()
    acknowledged_by = Exact()
    until = Time()


class AcknowledgementViewSet(RowViewSet[Acknowledgement]):
    """Causes that somebody knows of. One ends at its time, with its cause, or by DELETE.

    Posted again for the same cause, it is acknowledged anew, for the firewalls that it has now.
    """

    queryset = Acknowledgement.objects.in_force()
    serializer_class = AcknowledgementSerializer
    filterset_class = AcknowledgementFilters
    moving = ("firewalls",)
    search_fields: ClassVar[list[str]] = ["state", "reason", "note", "acknowledged_by"]
    ordering_fields: ClassVar[dict[str, str]] = {
        name: name for name in ("id", "state", "reason", "until", "since", "acknowledged_by")
    }
    lookup_value_regex = "[0-9]{1,18}"

    def lock(self, row: Acknowledgement) -> bool:
        """Nothing depends on it but itself; whoever writes last is right."""
        return Acknowledgement.objects.filter(pk=row.pk).exists()


class CauseExampleSerializer(serializers.Serializer[Any]):
    firewall = serializers.UUIDField()
    name = serializers.CharField()


class CauseSerializer(serializers.Serializer[Any]):
    """Firewalls that are in the same trouble for the same reason, as one."""

    state = serializers.ChoiceField(choices=STATES)
    reason = serializers.CharField(help_text="Of failed ones the step; of pending ones the change.")
    message = serializers.CharField(source="sentence")
    firewalls = serializers.IntegerField()
    examples = CauseExampleSerializer(many=True)
    since = UtcTime(allow_null=True)
    acknowledgement = AcknowledgementSerializer(allow_null=True)
    unacknowledged = serializers.IntegerField(
        source="unknown", help_text="How many of them nobody has acknowledged."
    )


class CausesSerializer(serializers.Serializer[Any]):
    """A page of them."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = CauseSerializer(many=True)


class CausesQuerySerializer(serializers.Serializer[Any]):
    partition = serializers.CharField(required=False)


class CausesView(WholeWrites):
    """`causes/`"""

    permissions = {"get": "firewalls.view_firewall"}
    parameters = {"get": PAGES | {"partition"}}

    @extend_schema(
        responses=CausesSerializer,
        parameters=[
            OpenApiParameter("partition", str, description="Of its firewalls alone."),
            *(OpenApiParameter(name, int) for name in ("limit", "offset")),
        ],
        operation_id="causes_list",
    )
    def get(self, request: Request) -> Response:
        """What is wrong, the worst first; what is acknowledged comes last."""
        query = CausesQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        place = query.validated_data.get("partition")
        rows = Firewall.objects.filter(machine__partition=place) if place else None
        pages = Pages()
        page = pages.paginate_queryset(causes(rows), request, view=self)
        answer = pages.get_paginated_response(CauseSerializer(page, many=True).data)
        return self.read(request, answer.data)
