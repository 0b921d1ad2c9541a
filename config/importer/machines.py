"""Machines, the firewalls among them, and firewall rules, in metal-api's shapes."""

import re
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from config.importer.fields import Fields, Origin
from networks.common.addressing import IP

_HOSTNAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_HARDWARE = (
    "bios",
    "hardware",
    "events",
    "ledstate",
    "liveliness",
    "state",
    "rackid",
    "description",
    "created",
    "changed",
)
_ALLOCATION = (
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
    "allocationuuid",
)
# What metal-api copied from the network into the allocation; the network's own document says it.
_COPIED = (
    "destinationprefixes",
    "nat",
    "nattypev2",
    "networktypev2",
    "prefixes",
    "projectid",
    "underlay",
    "vrf",
)
_PRIMARY = frozenset({"privateprimaryunshared", "privateprimaryshared"})


@dataclass(frozen=True)
class NetworkUse:
    """One network of an allocation: its id, the addresses in it, and whether it is the primary one."""

    network: str
    ips: tuple[IP, ...]
    primary: bool
    field: str


@dataclass(frozen=True)
class RuleDoc:
    """A firewall rule; `values` are the fields of its row, without its place."""

    field: str
    direction: str
    values: dict[str, Any]


@dataclass(frozen=True)
class MachineDoc:
    """An allocated machine; `rules` is None where the document has none, `allocated` false where nobody has it."""

    origin: Origin
    id: str
    uuid: UUID
    allocated: bool
    firewall: bool
    name: str
    partition: str
    project: str
    networks: tuple[NetworkUse, ...]
    asn: int | None
    labels: dict[str, str]
    rules: tuple[RuleDoc, ...] | None


@dataclass(frozen=True)
class RulesDoc:
    """Rules that stand alone: of no firewall."""

    origin: Origin
    rules: tuple[RuleDoc, ...]

    @property
    def id(self) -> str:
        return str(self.origin.place)


def machine(fields: Fields) -> MachineDoc | None:
    id = fields.text("id", required=True)
    uuid = _uuid(fields, id)
    labels = {key: value for key, _, value in (tag.partition("=") for tag in fields.texts("tags"))}
    partition, size = fields.reference("partition"), fields.reference("size")
    if size:
        labels["size"] = size
    given = fields.text("name")
    fields.leave(*_HARDWARE)
    allocation = fields.inner("allocation")
    if uuid is None:
        return None
    bare = MachineDoc(
        fields.origin, id, uuid, False, False, given, partition, "", (), None, labels, None
    )
    if allocation is None:
        return bare
    if not partition:
        fields.complain("partition.id", "This field is missing.")
    return _allocated(bare, allocation)


def _uuid(fields: Fields, id: str) -> UUID | None:
    try:
        return UUID(id)
    except ValueError:
        if id:
            fields.complain("id", f"{id[:60]!r} is not a UUID; machines have one.")
        return None


def _allocated(bare: MachineDoc, allocation: Fields) -> MachineDoc:
    role = allocation.text("role") or "machine"
    if role not in ("machine", "firewall"):
        allocation.complain("role", f"{role[:60]!r} is no role; it is machine or firewall.")
    image = allocation.reference("image")
    read = [_use(use) for use in allocation.inners("networks")]
    if not read:
        allocation.complain("networks", "An allocated machine has at least one network.")
    found = replace(
        bare,
        allocated=True,
        firewall=role == "firewall",
        name=_name(allocation, bare.name),
        project=allocation.text("project", required=True),
        networks=tuple(use for use, _ in read),
        # Every network of an allocation repeats the machine's one AS number; some have 0 where it plays no role.
        asn=next((number for _, number in read if number), None),
        labels=bare.labels | ({"image": image} if image else {}),
        rules=_own_rules(allocation),
    )
    if found.rules and not found.firewall:
        allocation.complain("firewall_rules", "Only a firewall has rules.")
    allocation.leave(*_ALLOCATION)
    allocation.done()
    return found


def _own_rules(allocation: Fields) -> tuple[RuleDoc, ...] | None:
    fields = allocation.inner("firewall_rules")
    if fields is None:
        return None
    rules = _rules(fields, fields.path)
    fields.done()
    return rules


def _name(allocation: Fields, given: str) -> str:
    """The allocation's name; where that is no host name, the host name."""
    name, hostname = allocation.text("name") or given, allocation.text("hostname")
    return hostname if hostname and not _HOSTNAME.match(name) else name


def _use(fields: Fields) -> tuple[NetworkUse, int | None]:
    kind = fields.text("networktype").lower()
    primary = kind in _PRIMARY if kind else bool(fields.flag("private"))
    fields.copies("private", *_COPIED)
    use = NetworkUse(
        fields.text("networkid", required=True),
        fields.addresses("ips"),
        primary,
        fields.path + "networkid",
    )
    number = fields.number("asn")
    fields.done()
    return use, number


def rules_only(fields: Fields) -> RulesDoc:
    return RulesDoc(fields.origin, _rules(fields, ""))


def _rules(fields: Fields, path: str) -> tuple[RuleDoc, ...]:
    found = []
    for direction in ("egress", "ingress"):
        for index, rule in enumerate(fields.inners(direction)):
            values = {
                "protocol": (rule.text("protocol") or "tcp").lower(),
                "ports": rule.texts("ports"),
                "sources": list(rule.cidrs("from")) if direction == "ingress" else [],
                "destinations": list(rule.cidrs("to")),
                "comment": rule.text("comment"),
            }
            found.append(RuleDoc(f"{path}{direction}[{index}]", direction, values))
            rule.done()
    return tuple(found)
