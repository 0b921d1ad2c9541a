"""Machines in metal-api's shape, the firewalls among them."""

import re
from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo
from yaml import Node

from config.importer.findings import Remark
from config.importer.kinds.fields import (
    MISSING,
    NO_ITEMS,
    Addresses,
    FilledText,
    Items,
    Number,
    Text,
    Texts,
    at_least_one,
    filled_text,
    flag,
    refuse,
    text,
)
from config.importer.kinds.rules import ListedRule, Rules
from config.importer.kinds.shape import Doc, Key, Reference, Shape
from config.importer.kinds.texts import labels_of, tidy_labels, untidy_labels
from networks.common.addressing import IP

_HOSTNAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_PRIMARY_TYPES = frozenset({"privateprimaryunshared", "privateprimaryshared"})
_RULES = "allocation.firewall_rules."
_MACHINE, _FIREWALL = _ROLES = ("machine", "firewall")


def _private(node: Node, info: ValidationInfo) -> bool:
    """The flag says which network is the primary one; beside a type it only repeats that."""
    return not info.data.get("networktype") and flag(node)


def _role(node: Node) -> str:
    role = text(node) or _MACHINE
    if role not in _ROLES:
        refuse(f"{role[:60]!r} is no role; it is machine or firewall.")
    return role


def _uuid(node: Node) -> UUID:
    spelled = filled_text(node)
    try:
        return UUID(spelled)
    except ValueError:
        refuse(f"{spelled[:60]!r} is not a UUID; machines have one.")


class AllocatedNetwork(Shape):
    """One network of an allocation with the addresses in it."""

    # What metal-api copied from the network, whose own document says it.
    REPEATED = frozenset(
        {
            "destinationprefixes",
            "nat",
            "nattypev2",
            "networktypev2",
            "prefixes",
            "projectid",
            "underlay",
            "vrf",
        }
    )

    networkid: FilledText
    networktype: Text = ""
    private: Annotated[bool, PlainValidator(_private)] = False
    ips: Addresses = []
    asn: Number = 0  # where it plays no role

    @property
    def is_primary(self) -> bool:
        if self.networktype:
            return self.networktype.lower() in _PRIMARY_TYPES
        return self.private


class Allocation(Shape):
    """Who has a machine, what for, and where."""

    NOT_KEPT = frozenset(
        {
            "allocationuuid",
            "boot_info",
            "created",
            "creator",
            "description",
            "dns_servers",
            "filesystemlayout",
            "ntp_servers",
            "reinstall",
            "ssh_pub_keys",
            "succeeded",
            "user_data",
            "vpn",
        }
    )

    name: Text = ""
    hostname: Text = ""
    project: FilledText
    role: Annotated[str, PlainValidator(_role)] = _MACHINE
    image: Reference | None = None
    networks: Annotated[
        list[AllocatedNetwork],
        Items,
        AfterValidator(at_least_one("An allocated machine has at least one network.")),
    ] = Field(default=NO_ITEMS, validate_default=True)
    firewall_rules: Rules | None = None


class MachineDoc(Doc):
    """A machine; without an allocation nobody has it."""

    MARKS = frozenset({"allocation", "hardware", "rackid", "bios", "ledstate", "liveliness"})
    NOT_KEPT = frozenset(
        {
            "bios",
            "changed",
            "created",
            "description",
            "events",
            "hardware",
            "ledstate",
            "liveliness",
            "rackid",
            "state",
        }
    )
    NAMES = {
        "networks": "allocation.networks",
        "network": "allocation.networks",
        "primary": "allocation.networks",
        "name": "allocation.name",
        "addresses": "allocation.networks.ips",
        "address": "allocation.networks.ips",
        "asn": "allocation.networks.asn",
        "labels": "tags",
        "project": "allocation.project",
        "partition": "partition.id",
        "role": "allocation.role",
    }

    id: Annotated[UUID, PlainValidator(_uuid)]
    given_name: Text = Field(default="", alias="name")
    partition: Reference | None = None
    size: Reference | None = None
    tags: Texts = []
    allocation: Allocation | None = None

    @property
    def own_id(self) -> str:
        return str(self.id)

    @property
    def owner(self) -> str:
        return self.allocation.project if self.allocation else ""

    def needs(self) -> set[Key]:
        if self.allocation is None:
            return set()
        networks = {("network", network.networkid) for network in self.allocation.networks}
        return networks | {("partition", self.partition_id), ("project", self.owner)}

    def contradictions(self) -> Iterator[tuple[str, str]]:
        if self.allocation is None:
            return
        if self.partition is None:
            yield "partition.id", MISSING
        if self.rules and not self.is_firewall:
            yield "allocation.firewall_rules", "Only a firewall has rules."

    @property
    def partition_id(self) -> str:
        return self.partition.id if self.partition else ""

    @property
    def networks(self) -> list[AllocatedNetwork]:
        return self.allocation.networks if self.allocation else []

    @property
    def ips(self) -> list[IP]:
        return [ip for network in self.networks for ip in network.ips]

    @property
    def is_firewall(self) -> bool:
        return self.allocation is not None and self.allocation.role == _FIREWALL

    @property
    def name(self) -> str:
        """The allocation's name or the machine's; where that is no host name, the host name."""
        if self.allocation is None:
            return self.given_name
        name = self.allocation.name or self.given_name
        hostname = self.allocation.hostname
        return hostname if hostname and not _HOSTNAME.match(name) else name

    @property
    def asn(self) -> int | None:
        """The machine's one AS number, which each of its networks repeats."""
        return next((network.asn for network in self.networks if network.asn), None)

    @property
    def labels(self) -> dict[str, str]:
        labels = tidy_labels(labels_of(self.tags))
        if self.size:
            labels["size"] = self.size.id
        if self.allocation and self.allocation.image:
            labels["image"] = self.allocation.image.id
        return labels

    @property
    def rules(self) -> list[ListedRule] | None:
        """A firewall's rules; None where the document has none."""
        if self.allocation is None or self.allocation.firewall_rules is None:
            return None
        return list(self.allocation.firewall_rules.listed(_RULES))

    def remarks(self) -> Iterator[Remark]:
        yield from untidy_labels("tags", labels_of(self.tags))
        if self.allocation and self.allocation.firewall_rules:
            yield from self.allocation.firewall_rules.remarks_at(_RULES)
