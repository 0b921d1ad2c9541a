"""`reachability/compare/`: the flows that come and go between two moments, or by a change."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls.api.flows import FlowsSerializer
from firewalls.api.joining import JoinSerializer
from firewalls.api.questions import one_of
from firewalls.api.rules import RulesSerializer, listed
from firewalls.intent.flows import Flows, Side, flows, of_time
from firewalls.intent.partitions import Basis, load_changed
from firewalls.intent.questions import NOT_YET
from firewalls.models import Firewall
from firewalls.previews import join_preview, leave_preview, rules_preview, share_preview
from networks.common.api.bodies import Body
from networks.common.api.etags import etag
from networks.common.api.fields import RelatedId, UtcTime
from networks.common.api.views import WholeWrites
from networks.common.validation import enforce
from networks.models import Network, Partition

CHANGES = ("share", "join", "leave", "rules")
SCOPES = ("partition", "network", "firewall")
SIDES: list[dict[str, Any]] = [
    {"type": "string", "enum": [str(one) for one in Basis]},
    {"type": "string", "format": "date-time"},
]
BY_CHANGE: dict[str, Any] = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
    "properties": {
        "share": {"type": "string"},
        **{name: {"type": "object"} for name in ("join", "leave", "rules")},
    },
}


@extend_schema_field({"oneOf": SIDES})
class SideField(serializers.Field[Any, Any, Any, Any]):
    """What is wanted, what is applied, or what was applied at a moment that has been."""

    def to_internal_value(self, data: Any) -> Side:
        if isinstance(data, str) and data in [str(one) for one in Basis]:
            return Basis(data)
        moment: datetime = UtcTime().run_validation(data)
        if moment > timezone.now():
            raise serializers.ValidationError(NOT_YET, code="not_yet")
        return moment


class JoinChangeSerializer(JoinSerializer):
    firewall = RelatedId(queryset=Firewall.objects.with_relations())


class LeaveChangeSerializer(Body[Any]):
    firewall = RelatedId(queryset=Firewall.objects.with_relations())
    network = RelatedId(queryset=Network.objects.all())


class RulesChangeSerializer(RulesSerializer):
    firewall = RelatedId(queryset=Firewall.objects.with_relations())


class FlowsByChangeSerializer(Body[Any]):
    """One of these, as if it was done."""

    share = RelatedId(queryset=Network.objects.all(), required=False)
    join = JoinChangeSerializer(required=False)
    leave = LeaveChangeSerializer(required=False)
    rules = RulesChangeSerializer(required=False)

    def validate(self, change: dict[str, Any]) -> dict[str, Any]:
        return {"kind": one_of(CHANGES, change, "change"), **change}


@extend_schema_field({"oneOf": [*SIDES, BY_CHANGE]})
class EndField(SideField):
    """The same, or what would be after a change."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            return super().to_internal_value(data)
        change = FlowsByChangeSerializer(data=data)
        change.is_valid(raise_exception=True)
        return change.validated_data


class CompareSerializer(Body[Any]):
    """From what to what; a change is compared with what is wanted."""

    to = EndField()
    partition = RelatedId(queryset=Partition.objects.all(), required=False)
    network = RelatedId(queryset=Network.objects.all(), required=False)
    firewall = RelatedId(queryset=Firewall.objects.all(), required=False)

    def get_fields(self) -> dict[str, Any]:
        """With `from`, which Python keeps for itself."""
        return {"from": SideField(default=Basis.APPLIED), **super().get_fields()}

    def validate(self, body: dict[str, Any]) -> dict[str, Any]:
        changes = isinstance(body["to"], dict)
        if changes and "from" in self.initial_data and body["from"] is not Basis.WANTED:
            reason = "A change is compared with what is wanted."
            raise serializers.ValidationError({"from": reason}, code="not_wanted")
        scopes = [name for name in SCOPES if name in body]
        if changes and scopes:
            reason = "A change is compared wherever it changes something; leave this out."
            raise serializers.ValidationError({scopes[0]: reason}, code="no_scope")
        return body


class CompareView(WholeWrites):
    """`reachability/compare/`"""

    permissions = {"post": "firewalls.view_firewall"}

    @extend_schema(
        request=CompareSerializer,
        responses={200: FlowsSerializer},
        operation_id="reachability_compare",
    )
    def post(self, request: Request) -> Response:
        """Flows gained and lost, by project, and network by network. Nothing is changed by it.

        From and to `wanted`, `applied` or a time; or to a change: `{"share": NETWORK}`,
        `{"join": {firewall, network}}`, `{"leave": …}`, `{"rules": {firewall, egress, ingress}}`.
        """
        body = CompareSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        changes = isinstance(asked["to"], dict)
        found = _by(asked["to"]) if changes else _between(asked)
        data = FlowsSerializer(found).data
        return Response(data, headers={"ETag": etag(data)})


def _between(asked: dict[str, Any]) -> Flows:
    before, after = asked["from"], asked["to"]
    moments = [one for one in (before, after) if isinstance(one, datetime)]
    loaded = load_changed(_scope(asked), min(moments, default=None))
    return of_time(loaded, before, after)


def _scope(asked: dict[str, Any]) -> "QuerySet[Firewall]":
    firewalls = Firewall.objects.all()
    if "partition" in asked:
        firewalls = firewalls.filter(machine__partition=asked["partition"])
    if "network" in asked:
        firewalls = firewalls.in_network(asked["network"].pk)
    if "firewall" in asked:
        firewalls = firewalls.filter(pk=asked["firewall"].pk)
    return firewalls


def _by(change: dict[str, Any]) -> Flows:
    """What a change would do, refused in the same words as the change itself."""
    kind, what = change["kind"], change[change["kind"]]
    if kind == "share":
        preview = share_preview(what)
        enforce(preview.violations)
        return flows(preview.effect)
    if kind == "join":
        return flows(join_preview(what["firewall"], what["network"], addresses=what["addresses"]))
    if kind == "leave":
        return flows(leave_preview(what["firewall"], what["network"]))
    rules = {name: what[name] for name in ("egress", "ingress") if name in what}
    return flows(rules_preview(what["firewall"], listed(rules)))
