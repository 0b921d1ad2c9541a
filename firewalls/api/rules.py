"""Firewall rules in the shape that metal-api gives them: `{"egress": [...], "ingress": [...]}`."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from firewalls.models import Firewall, Rule
from networks.common.api.bodies import Body, TextList
from networks.common.api.fields import Choice, CidrText
from networks.common.limits import MOST_CIDRS, MOST_PORTS, MOST_RULES


@extend_schema_field(
    {"oneOf": [{"type": "integer"}, {"type": "string"}], "examples": [443, "8000-8100"]}
)
class Port(serializers.Field[Any, Any, Any, Any]):
    """A port as a number, a range as a text."""

    def to_internal_value(self, data: object) -> str:
        if type(data) is int or isinstance(data, str):
            return str(data)
        raise serializers.ValidationError(
            "A port is a number such as 443, or a range such as 8000-8100.", code="invalid_port"
        )

    def to_representation(self, value: str) -> int | str:
        return int(value) if value.isdigit() else value


def _cidrs(column: str) -> TextList:
    return TextList(child=CidrText(), source=column, required=False, max_length=MOST_CIDRS)


class RuleSerializer(Body[Any]):
    """What may leave (egress) or come in (ingress); without `from` or `to`: from or to anywhere.

    `icmp` has no ports, and stands for ICMPv6 in IPv6; `tcp` and `udp` have at least one.
    """

    comment = serializers.CharField(required=False, allow_blank=True)
    protocol = Choice(choices=Rule.Protocol.choices, default=Rule.Protocol.TCP)
    ports = TextList(child=Port(), default=list, max_length=MOST_PORTS)
    to = _cidrs("destinations")
    most = MOST_RULES

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {**super().get_fields(), "from": _cidrs("sources")}


class RulesSerializer(Body[Any]):
    egress = RuleSerializer(many=True, required=False)
    ingress = RuleSerializer(many=True, required=False)

    def get_attribute(self, instance: Firewall) -> dict[str, list[Rule]]:
        return by_direction(instance)


def by_direction(firewall: Firewall) -> dict[str, list[Rule]]:
    """The firewall's rules, each direction in its order."""
    rules = sorted(firewall.rules.all(), key=lambda rule: rule.position)
    return {
        str(direction): [rule for rule in rules if rule.direction == direction]
        for direction in Rule.Direction.values
    }


def rule_values(rule: Rule) -> dict[str, Any]:
    """A rule of a firewall in the shape in which allocation takes rules."""
    return {
        name: getattr(rule, name)
        for name in ("direction", "protocol", "ports", "sources", "destinations", "comment")
    }


def listed(rules: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The rules of a request in that shape, one after the other."""
    return [
        {"direction": direction, **rule}
        for direction in Rule.Direction.values
        for rule in rules.get(direction, [])
    ]
