"""Firewalls, revisions and pushes as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from firewalls.allocation import NewFirewall, create_firewall, replace_rules
from firewalls.api import words
from firewalls.api.held import HoldSerializer, Waits
from firewalls.api.reaching import (
    MANAGEMENT,
    ApplierSerializer,
    CautionSerializer,
    ManagementSerializer,
    WaySerializer,
    through,
    told,
)
from firewalls.api.rules import RulesSerializer, listed, rule_values
from firewalls.intent import revisions
from firewalls.models import Firewall, Push, Revision
from firewalls.pushing.jobs import access_of
from machines.allocation import Request
from machines.api import RequestSerializer
from networks.common.api.bodies import TextList
from networks.common.api.fields import InetText, Labels, RelatedId, UtcTime
from networks.common.api.rows import RowSerializer, change
from networks.common.limits import MOST_ADDRESSES
from networks.common.validation import reported_on
from networks.models import Partition, Project

OWN = (*MANAGEMENT, "uplinks")  # what is the firewall's, and not its machine's


class AttachmentSerializer(serializers.Serializer[Any]):
    """One network of a firewall, the firewall's addresses there, and the part the network plays."""

    network = serializers.CharField()
    role = serializers.ChoiceField(choices=["primary", "shared", "external", "underlay"])
    addresses = serializers.ListField(child=InetText())


def attachments(firewall: Firewall) -> list[dict[str, Any]]:
    """The firewall's networks, its primary one first, in the shape of AttachmentSerializer.

    Made by hand: a list of firewalls would make a serializer for each.
    """
    addresses: dict[str, list[str]] = {}
    for row in firewall.machine.addresses.all():
        addresses.setdefault(row.prefix.network_id, []).append(str(row.address))
    roles = {firewall.machine.primary_id: "primary"}
    for attachment in firewall.attachments.all():
        roles[attachment.network_id] = attachment.role
    return [
        {"network": network, "role": role, "addresses": addresses.get(network, [])}
        for network, role in roles.items()
    ]


def _seen_at(name: str, help_text: str = "") -> UtcTime:
    source = f"observation.{name}"
    return UtcTime(source=source, read_only=True, allow_null=True, help_text=help_text)


class FirewallSerializer(RowSerializer[Firewall]):
    """A firewall: `networks` and `addresses` are what it asks for, `attachments` what it has."""

    id = serializers.UUIDField(source="machine.id", required=False)
    name = serializers.CharField(source="machine.name", allow_blank=True)
    partition = RelatedId(source="machine.partition", queryset=Partition.objects.all())
    project = RelatedId(source="machine.project", queryset=Project.objects.all())
    labels = Labels(source="machine.labels", required=False)
    network = serializers.PrimaryKeyRelatedField[Any](source="machine.primary", read_only=True)
    networks = RequestSerializer(many=True, write_only=True)
    addresses = TextList(
        child=InetText(), write_only=True, required=False, max_length=MOST_ADDRESSES
    )
    attachments = serializers.SerializerMethodField()
    asn = serializers.IntegerField(source="machine.asn", read_only=True)
    router_id = serializers.CharField(read_only=True, allow_null=True)
    management = ManagementSerializer(source="*", required=False)
    rules = RulesSerializer(required=False)
    state = words.PromisedState(words.FIREWALL, choices=words.FIREWALL_STATES, read_only=True)
    wanted = serializers.IntegerField(source="wanted.number", read_only=True, allow_null=True)
    applied = serializers.IntegerField(
        source="observation.applied.number", read_only=True, allow_null=True
    )
    drift = serializers.CharField(source="observation.drift", read_only=True)
    unreachable_since = _seen_at("unreachable_since")
    checked_at = _seen_at("checked_at", "When what is on it was seen last.")
    refused_at = _seen_at("refused_at", "When the last look was refused; null if it was not.")
    refusal = serializers.CharField(
        source="observation.refusal", read_only=True, help_text="Why the last look was refused."
    )
    hold = HoldSerializer(source="held", read_only=True, allow_null=True)
    applier = ApplierSerializer(source="*", read_only=True)
    through = serializers.SerializerMethodField()
    cautions = serializers.SerializerMethodField(
        help_text="What to know before anything is pushed to it for the first time."
    )
    created_at = UtcTime(source="machine.created_at", read_only=True)
    replaced_at = UtcTime(read_only=True, allow_null=True, help_text="When it got another box.")
    made_with = ("networks", "addresses")

    class Meta(RowSerializer.Meta):
        model = Firewall
        fields = [
            "id",
            "name",
            "partition",
            "project",
            "network",
            "networks",
            "addresses",
            "attachments",
            "asn",
            "router_id",
            "uplinks",
            "management",
            "rules",
            "state",
            "labels",
            "wanted",
            "applied",
            "drift",
            "unreachable_since",
            "checked_at",
            "refused_at",
            "refusal",
            "hold",
            "applier",
            "through",
            "cautions",
            "practice",
            "created_at",
            "replaced_at",
        ]
        read_only_fields = ["practice"]

    @extend_schema_field(AttachmentSerializer(many=True))
    def get_attachments(self, firewall: Firewall) -> Any:
        return attachments(firewall)

    @extend_schema_field(WaySerializer(allow_null=True))
    def get_through(self, firewall: Firewall) -> Any:
        return through(access_of(firewall))

    @extend_schema_field(CautionSerializer(many=True))
    def get_cautions(self, firewall: Firewall) -> Any:
        return told(firewall)

    def create(self, validated_data: dict[str, Any]) -> Firewall:
        networks = [Request(**one) for one in validated_data.pop("networks")]
        rules = listed(validated_data.pop("rules", {}))
        machine = validated_data.pop("machine")
        new = NewFirewall(networks=networks, rules=rules, **machine, **validated_data)
        with reported_on(**dict.fromkeys(MANAGEMENT, "management")):
            return create_firewall(new, by=self._by())

    def update(self, instance: Firewall, validated_data: dict[str, Any]) -> Firewall:
        """Change the firewall and its machine, and note the configuration that is wanted then."""
        machine = validated_data.pop("machine", {})
        rules = validated_data.pop("rules", None)
        own = {name: validated_data[name] for name in OWN if name in validated_data}
        if machine:
            with reported_on(primary="network"):
                change(instance.machine, machine)
        with reported_on(**dict.fromkeys(MANAGEMENT, "management")):
            super().update(instance, own)
        if rules is not None:
            others = [rule for rule in instance.rules.all() if rule.direction not in rules]
            replace_rules(instance, [*map(rule_values, others), *listed(rules)])
        revisions.refresh([instance.pk], cause=f"{instance.name} was edited", by=self._by())
        return instance

    def _by(self) -> str:
        return str(self.context["request"].user.get_username())


class RevisionSerializer(RowSerializer[Revision]):
    class Meta(RowSerializer.Meta):
        model = Revision
        fields = ["id", "firewall", "number", "digest", "created_at", "created_by", "cause"]
        read_only_fields = fields


class StepSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    state = serializers.CharField()
    seconds = serializers.FloatField()
    output = serializers.CharField()


class PushSerializer(Waits, RowSerializer[Push]):
    """An attempt to bring a revision to a firewall: by number, or the latest when it starts."""

    revision = serializers.IntegerField(source="revision.number", read_only=True, allow_null=True)
    rollout = serializers.UUIDField(
        source="rollout_id",
        read_only=True,
        allow_null=True,
        help_text="The rollout it is part of, if any.",
    )
    state = words.PromisedState(words.PUSH, choices=words.PUSH_STATES, read_only=True)
    outcome = serializers.SerializerMethodField(
        help_text="How it ended, in one word; null until then, and where another took its place."
    )
    superseded_by = serializers.UUIDField(
        source="superseded_by_id",
        read_only=True,
        allow_null=True,
        help_text="The later push that took its place.",
    )
    steps = StepSerializer(many=True, read_only=True)

    class Meta(RowSerializer.Meta):
        model = Push
        fields = [
            "id",
            "firewall",
            "revision",
            "rollout",
            "state",
            "outcome",
            "superseded_by",
            "steps",
            "error",
            "requested_by",
            "created_at",
            "started_at",
            "finished_at",
            "waits_for",
            "waits_because",
            "waits_until",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=words.OUTCOMES, allow_null=True))
    def get_outcome(self, push: Push) -> str | None:
        return str(push.state) if push.state in dict(words.OUTCOMES) else None
