"""What kind of object a document is, told by its fields, and the objects as values: metal-api's shapes, its words."""

from collections.abc import Callable
from dataclasses import dataclass

from config.importer.documents import Document, Mapping, Scalar
from config.importer.fields import Fields, Findings, Origin
from config.importer.machines import MachineDoc, RulesDoc, machine, rules_only
from networks.common.addressing import IP, Cidr

_FAMILY = {"IPv4": "4", "IPv6": "6"}
_TIMES = ("created", "changed")
# apiv2's names of a network's kind, beside the flags of apiv1.
_NETWORK_TYPES = {
    "super": "super",
    "super-namespaced": "super",
    "underlay": "underlay",
    "external": "external",
    "child": "private",
    "child-shared": "private",
}


@dataclass(frozen=True)
class PartitionDoc:
    origin: Origin
    id: str
    values: dict[str, object]


@dataclass(frozen=True)
class ProjectDoc:
    origin: Origin
    id: str
    values: dict[str, object]


@dataclass(frozen=True)
class NetworkDoc:
    """A network; references are ids, "" is none; `values` holds only what the document says."""

    origin: Origin
    id: str
    kind: str
    partition: str
    project: str
    parent: str
    vrf: int | None
    shared: bool | None
    prefixes: tuple[Cidr, ...]
    values: dict[str, object]


@dataclass(frozen=True)
class AddressDoc:
    origin: Origin
    id: str
    ip: IP
    network: str
    project: str
    values: dict[str, object]


Doc = PartitionDoc | ProjectDoc | NetworkDoc | AddressDoc | MachineDoc | RulesDoc


def partition(fields: Fields) -> PartitionDoc:
    id = fields.text("id", required=True)
    values: dict[str, object] = {"name": fields.text("name") or id} | _described(fields)
    if fields.has("dns_servers"):
        values["dns_servers"] = [
            ip for server in fields.inners("dns_servers") if (ip := _dns(server)) is not None
        ]
    if fields.has("ntp_servers"):
        values["ntp_servers"] = [_ntp(server) for server in fields.inners("ntp_servers")]
    fields.leave(
        "bootconfig", "mgmtserviceaddress", "labels", "privatenetworkprefixlength", *_TIMES
    )
    return PartitionDoc(fields.origin, id, values)


def _dns(server: Fields) -> IP | None:
    found = server.address("ip")
    server.done()
    return found


def _ntp(server: Fields) -> str:
    found = server.text("address", required=True)
    server.done()
    return found


def project(fields: Fields) -> ProjectDoc:
    meta = fields.inner("meta")
    id = meta.text("id", required=True) if meta else ""
    if meta is None:
        fields.complain("meta.id", "This field is missing.")
    else:
        meta.leave("labels", "annotations")
        meta.copies("kind", "apiversion", "version", "created_time", "updated_time")
        meta.done()
    values: dict[str, object] = {"name": fields.text("name") or id} | _described(fields)
    if fields.has("tenant_id"):
        values["tenant"] = fields.text("tenant_id")
    fields.leave("quotas")
    return ProjectDoc(fields.origin, id, values)


def network(fields: Fields) -> NetworkDoc:
    id = fields.text("id", required=True)
    values = _described(fields)
    if fields.has("name"):
        values["name"] = fields.text("name")
    if fields.has("nat"):
        values["nat"] = bool(fields.flag("nat"))
    if fields.has("labels"):
        values["labels"] = fields.pairs("labels")
    if fields.has("destinationprefixes"):
        values["destination_prefixes"] = list(fields.cidrs("destinationprefixes"))
    if fields.has("defaultchildprefixlength"):
        values["default_child_prefix_length"] = _lengths(fields)
    prefixes, shared = fields.cidrs("prefixes"), fields.flag("shared")
    if not fields.filled("prefixes"):
        fields.complain("prefixes", "A network has at least one prefix.")
    kind = _network_kind(fields, private=bool(shared) and not fields.filled("destinationprefixes"))
    fields.leave("additionalAnnouncableCIDRs", "vrfshared", *_TIMES)
    fields.copies("consumption", "usage", "nattype")
    return NetworkDoc(
        fields.origin,
        id,
        kind,
        fields.text("partitionid"),
        fields.text("projectid"),
        fields.text("parentnetworkid"),
        fields.number("vrf") or None,
        shared,
        prefixes,
        values,
    )


def _lengths(fields: Fields) -> dict[str, int]:
    lengths = fields.inner("defaultchildprefixlength")
    if lengths is None:
        return {}
    found = {_FAMILY[family]: lengths.number(family) for family in _FAMILY if lengths.has(family)}
    lengths.done()
    return {family: length for family, length in found.items() if length is not None}


def _network_kind(fields: Fields, private: bool) -> str:
    """Super and underlay by their flags; private by its parent, or by being shared; else external."""
    flags = [
        name
        for name, flag in (("super", "privatesuper"), ("underlay", "underlay"))
        if fields.flag(flag)
    ]
    said = _NETWORK_TYPES.get(fields.text("networktype"))
    private = private or bool(fields.text("parentnetworkid"))
    kind = flags[0] if flags else said or ("private" if private else "external")
    if len(flags) > 1 or (said and said != kind):
        others = " and ".join(dict.fromkeys([*flags, *([said] if said else [])]))
        fields.complain(
            "networktype" if said else "underlay", f"A network is of one kind, not {others}."
        )
    return kind


def address(fields: Fields) -> AddressDoc | None:
    ip = fields.address("ipaddress")
    values = _described(fields)
    if fields.has("name"):
        values["name"] = fields.text("name")
    if fields.has("type"):
        values["kind"] = fields.text("type")
    network, owner = (
        fields.text("networkid", required=True),
        fields.text("projectid", required=True),
    )
    fields.leave("allocationuuid", "tags", *_TIMES)
    return AddressDoc(fields.origin, str(ip), ip, network, owner, values) if ip else None


def _described(fields: Fields) -> dict[str, object]:
    return {"description": fields.text("description")} if fields.has("description") else {}


Reader = Callable[[Fields], Doc | None]

# The fields by which each kind is known, one of them is enough; no two kinds share one.
MARKS: dict[str, tuple[frozenset[str], Reader]] = {
    "partition": (
        frozenset(
            {
                "bootconfig",
                "mgmtserviceaddress",
                "privatenetworkprefixlength",
                "dns_servers",
                "ntp_servers",
            }
        ),
        partition,
    ),
    "project": (frozenset({"meta", "tenant_id", "quotas"}), project),
    "network": (
        frozenset(
            {
                "prefixes",
                "privatesuper",
                "underlay",
                "parentnetworkid",
                "destinationprefixes",
                "vrf",
            }
        ),
        network,
    ),
    "address": (frozenset({"ipaddress"}), address),
    "machine": (
        frozenset({"allocation", "hardware", "rackid", "bios", "ledstate", "liveliness"}),
        machine,
    ),
    "rules": (frozenset({"egress", "ingress"}), rules_only),
}


def recognise(document: Document, findings: Findings) -> Doc | None:
    """The object a document describes; None, with a problem noted, if that cannot be told or something in it is wrong."""
    present = set(document.node.entries)
    kinds = [kind for kind, (marks, _) in MARKS.items() if marks & present]
    origin = Origin(document.place, _label(kinds, document.node), document.node)
    if len(kinds) != 1:
        known = ", ".join(MARKS)
        seen = (
            f"It has the fields of {' and '.join(kinds)} at once."
            if kinds
            else f"Its fields fit none of: {known}."
        )
        findings.problems.append(origin.problem("", f"This object cannot be recognised. {seen}"))
        return None
    fields, before = Fields(origin, findings, document.node), len(findings.problems)
    found = MARKS[kinds[0]][1](fields)
    fields.done()
    return found if len(findings.problems) == before else None


def _label(kinds: list[str], node: Mapping) -> str:
    """`network storage-fra`, as far as it can be told."""
    meta = node.entries.get("meta")
    holder = meta if isinstance(meta, Mapping) else node
    named = node.entries.get("ipaddress") or holder.entries.get("id") or node.entries.get("name")
    word = kinds[0] if len(kinds) == 1 else "object"
    return f"{word} {named.text[:80]}" if isinstance(named, Scalar) else word
