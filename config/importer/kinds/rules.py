"""Firewall rules in metal-api's shape: a firewall's own, or standing alone."""

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from config.importer.kinds.fields import Items, Prefixes, Text, Texts
from config.importer.kinds.shape import Doc, Shape


class EgressRule(Shape):
    """What machines behind the firewall may reach."""

    protocol: Text = ""
    ports: Texts = []
    to: Prefixes = []
    comment: Text = ""


class IngressRule(EgressRule):
    """What may reach machines behind the firewall."""

    sources: Prefixes = Field(default=[], alias="from")


class ListedRule(NamedTuple):
    """A rule as the fields of its row, without its position; `path` is where it stands."""

    path: str
    values: dict[str, Any]


class Rules(Shape):
    egress: Annotated[list[EgressRule], Items] = []
    ingress: Annotated[list[IngressRule], Items] = []

    def listed(self, path: str) -> Iterator[ListedRule]:
        """Each rule; the path ends with a dot, or is empty."""
        for index, rule in enumerate(self.egress):
            yield ListedRule(f"{path}egress[{index}]", _values("egress", rule))
        for index, rule in enumerate(self.ingress):
            values = _values("ingress", rule) | {"sources": rule.sources}
            yield ListedRule(f"{path}ingress[{index}]", values)


def _values(direction: str, rule: EgressRule) -> dict[str, Any]:
    return {
        "direction": direction,
        "protocol": (rule.protocol or "tcp").lower(),
        "ports": rule.ports,
        "sources": [],
        "destinations": rule.to,
        "comment": rule.comment,
    }


class RulesDoc(Rules, Doc):
    """Rules of no firewall."""

    MARKS = frozenset({"egress", "ingress"})
