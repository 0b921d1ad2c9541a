"""`laws/`: who reaches whom, and stays so; each with the flows that break it as things stand."""

from typing import Any, ClassVar

import django_filters
from django.db.models import Prefetch
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from firewalls.models import Breach, Law
from networks.common.api.bodies import Body
from networks.common.api.fields import RelatedId
from networks.common.api.lists import Exact, Integer, OrNone, YesNo
from networks.common.api.rows import RowSerializer
from networks.common.api.views import RowViewSet
from networks.common.postgres import judge_now
from networks.models import Network, Partition, Project

MOST_SHOWN = 100  # flows of one law
STATES = ["kept", "broken"]


class LawHopSerializer(Body[Any]):
    """A place on the way: its kind, what it is called, and the rule that lets it through there."""

    kind = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)
    address = serializers.CharField(read_only=True)
    rule = serializers.CharField(read_only=True)
    note = serializers.CharField(read_only=True)


class BreachSerializer(RowSerializer[Breach]):
    """Flows from one network to another, or to the internet, that break the law."""

    path = LawHopSerializer(many=True, read_only=True)

    class Meta(RowSerializer.Meta):
        model = Breach
        fields = ["source", "target", "version", "protocol", "outside", "sentence", "path", "since"]
        read_only_fields = fields


class LawSerializer(RowSerializer[Law]):
    """`only` these reach it, these `always` do, or `nobody` (of these) does.

    Those meant are the machines of `projects` and `networks`; what is reached is a network, the
    networks of a project, or the internet. Of what breaks it the first hundred flows are shown.
    """

    partition = RelatedId(queryset=Partition.objects.all(), required=False, allow_null=True)
    to_network = RelatedId(queryset=Network.objects.all(), required=False, allow_null=True)
    to_project = RelatedId(queryset=Project.objects.all(), required=False, allow_null=True)
    sentence = serializers.CharField(read_only=True)
    state = serializers.SerializerMethodField()
    broken_by = serializers.SerializerMethodField()

    class Meta(RowSerializer.Meta):
        model = Law
        fields = [
            "id",
            "sentence",
            "kind",
            "mode",
            "partition",
            "projects",
            "networks",
            "outside",
            "to_network",
            "to_project",
            "protocol",
            "port",
            "family",
            "reason",
            "created_at",
            "state",
            "broken_by",
        ]
        read_only_fields = ["id", "created_at"]

    @extend_schema_field(serializers.ChoiceField(choices=STATES))
    def get_state(self, law: Law) -> str:
        return STATES[bool(law.breaches.all())]

    @extend_schema_field(BreachSerializer(many=True))
    def get_broken_by(self, law: Law) -> Any:
        return BreachSerializer(law.breaches.all()[:MOST_SHOWN], many=True).data


class LawFilters(django_filters.FilterSet):
    id = Integer()
    kind = Exact()
    mode = Exact()
    partition = OrNone("partition_id")
    to_network = OrNone("to_network_id")
    to_project = OrNone("to_project_id")
    protocol = Exact()
    port = Integer()
    family = Integer()
    outside = YesNo()


class LawViewSet(RowViewSet[Law]):
    """A change that breaks one is refused with the flow that does, or warned of (`warnings`)."""

    queryset = Law.objects.select_related("partition", "to_network", "to_project").prefetch_related(
        Prefetch("breaches", Breach.objects.order_by("source", "target", "version", "protocol"))
    )
    serializer_class = LawSerializer
    filterset_class = LawFilters
    moving = ("state", "broken_by")
    search_fields: ClassVar[list[str]] = ["to_network__id", "to_project__id", "reason"]
    ordering_fields: ClassVar[dict[str, str]] = {
        "id": "id",
        "kind": "kind",
        "partition": "partition_id",
        "to_network": "to_network_id",
        "created_at": "created_at",
    }
    lookup_value_regex = "[0-9]{1,18}"

    def make(self, serializer: serializers.BaseSerializer[Law]) -> Law:
        """Judged before it is shown: one that is broken already says so at once."""
        law = super().make(serializer)
        judge_now()
        return law

    def change(self, serializer: serializers.BaseSerializer[Law]) -> None:
        super().change(serializer)
        judge_now()
