"""Firewall rules in metal-api's shape: a firewall's own, or standing alone."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, NamedTuple

from pydantic import Field, PlainValidator
from yaml import Node

from config.importer.findings import Remark
from config.importer.kinds.fields import Items, Text, Texts, item_prefix, item_text
from config.importer.kinds.shape import Doc, Shape
from config.importer.kinds.texts import COMMENT, tidy, untidy
from networks.common.addressing import Cidr


class Spelled(NamedTuple):
    """A prefix, and how it is spelled: perhaps with host bits, which nftables masks."""

    cidr: Cidr
    text: str

    @property
    def has_host_bits(self) -> bool:
        host, _, length = self.text.partition("/")
        return bool(length) and ip_address(host) != self.cidr.network_address


def _spelled(node: Node) -> Spelled:
    text = item_text(node).strip()
    try:
        masked = ip_network(text, strict=False)
    except ValueError:
        masked = None
    if masked is None or "%" in text:
        return Spelled(item_prefix(node), text)  # refuses it, in its sentence
    return Spelled(masked, text)


SpelledPrefixes = Annotated[list[Annotated[Spelled, PlainValidator(_spelled)]], Items]


class EgressRule(Shape):
    """What machines behind the firewall may reach."""

    protocol: Text = ""
    ports: Texts = []
    to: SpelledPrefixes = []
    comment: Text = ""


class IngressRule(EgressRule):
    """What may reach machines behind the firewall."""

    sources: SpelledPrefixes = Field(default=[], alias="from")


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
            values = _values("ingress", rule) | {"sources": [one.cidr for one in rule.sources]}
            yield ListedRule(f"{path}ingress[{index}]", values)

    def remarks_at(self, path: str) -> Iterator[Remark]:
        """What is left out of the rules or read otherwise than it is spelled."""
        for index, rule in enumerate(self.egress):
            yield from _remarks(f"{path}egress[{index}]", rule, [])
        for index, one in enumerate(self.ingress):
            yield from _remarks(f"{path}ingress[{index}]", one, one.sources)


def _remarks(path: str, rule: EgressRule, sources: Sequence[Spelled]) -> Iterator[Remark]:
    yield from untidy(f"{path}.comment", rule.comment, COMMENT)
    for name, prefixes in (("from", sources), ("to", rule.to)):
        for prefix in prefixes:
            if prefix.has_host_bits:
                reason = f"{prefix.text} has host bits set; as nftables does, it is read as"
                yield Remark(f"{path}.{name}", f"{reason} {prefix.cidr}.")


def _values(direction: str, rule: EgressRule) -> dict[str, Any]:
    return {
        "direction": direction,
        "protocol": (rule.protocol or "tcp").lower(),
        "ports": rule.ports,
        "sources": [],
        "destinations": [one.cidr for one in rule.to],
        "comment": tidy(rule.comment, COMMENT),
    }


class RulesDoc(Rules, Doc):
    """Rules of no firewall."""

    MARKS = frozenset({"egress", "ingress"})

    def remarks(self) -> Iterator[Remark]:
        yield from self.remarks_at("")
