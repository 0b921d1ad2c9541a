"""Flows that come and go, as JSON: in lists, with sums by project."""

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from firewalls.intent.flows import Flows
from firewalls.reachability import Change, Verdict

VERDICTS = [str(one) for one in Verdict]


class FlowChangeSerializer(serializers.Serializer[Any]):
    """Connections of one network's machines to another's."""

    network = serializers.CharField(source="source.id", help_text="Whose machines open them.")
    project = serializers.CharField(source="source.project")
    machines = serializers.IntegerField(source="source.machines")
    to_network = serializers.CharField(source="target.id")
    endpoint = serializers.CharField(help_text="Where it is one of to_network's: its place.")
    families = serializers.ListField(child=serializers.IntegerField(), source="versions")
    services = serializers.ListField(
        child=serializers.CharField(), help_text="everything, or as tcp/443, udp, ping."
    )
    sources = serializers.SerializerMethodField(help_text="Where only some addresses may: which.")
    destinations = serializers.SerializerMethodField(help_text="Where only some are meant: which.")
    flows = serializers.IntegerField(help_text="Pairs of machines.")
    before = serializers.ChoiceField(choices=VERDICTS)
    after = serializers.ChoiceField(choices=VERDICTS)

    def get_sources(self, change: Change) -> list[str]:
        return [str(cidr) for cidr in change.sources]

    def get_destinations(self, change: Change) -> list[str]:
        return [str(cidr) for cidr in change.parts]


class FlowProjectSerializer(serializers.Serializer[Any]):
    project = serializers.CharField()
    gained = serializers.IntegerField(help_text="Pairs of machines.")
    lost = serializers.IntegerField(help_text="Pairs of machines.")


class FlowsSerializer(serializers.Serializer[Any]):
    """What is gained, lost, or otherwise than before, with sums by the project that asks."""

    gained = FlowChangeSerializer(many=True)
    lost = FlowChangeSerializer(many=True)
    otherwise = FlowChangeSerializer(many=True)
    projects = serializers.SerializerMethodField()

    @extend_schema_field(FlowProjectSerializer(many=True))
    def get_projects(self, flows: Flows) -> list[dict[str, Any]]:
        names = sorted({one.source.project for one in flows.changes})
        return [
            {
                "project": name,
                "gained": _sum(flows.gained, name),
                "lost": _sum(flows.lost, name),
            }
            for name in names
        ]


def _sum(changes: Iterable[Change], project: str) -> int:
    return sum(one.flows for one in changes if one.source.project == project)
