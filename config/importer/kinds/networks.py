"""Networks in metal-api's shape."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from config.importer.kinds.fields import (
    NO_ITEMS,
    FilledText,
    Flag,
    Labels,
    Number,
    Prefixes,
    Text,
    at_least_one,
)
from config.importer.kinds.shape import Doc, Key, Shape
from networks.rules import EXTERNAL, PRIVATE, SUPER, UNDERLAY

# apiv2's names of a network's kind, beside the flags of apiv1.
_TYPES = {
    "super": SUPER,
    "super-namespaced": SUPER,
    "underlay": UNDERLAY,
    "external": EXTERNAL,
    "child": PRIVATE,
    "child-shared": PRIVATE,
}


class ChildPrefixLengths(Shape):
    """How long a child's prefix is by default, by family."""

    IPv4: Number | None = None
    IPv6: Number | None = None

    @property
    def by_family(self) -> dict[str, int]:
        lengths = {"4": self.IPv4, "6": self.IPv6}
        return {family: length for family, length in lengths.items() if length is not None}


class NetworkDoc(Doc):
    """A network. It refers to others by their ids."""

    MARKS = frozenset(
        {"prefixes", "privatesuper", "underlay", "parentnetworkid", "destinationprefixes", "vrf"}
    )
    NOT_KEPT = frozenset({"additionalAnnouncableCIDRs", "vrfshared", "created", "changed"})
    REPEATED = frozenset({"consumption", "usage", "nattype"})
    NAMES = {
        "cidr": "prefixes",
        "prefix": "prefixes",
        "partition": "partitionid",
        "project": "projectid",
        "parent": "parentnetworkid",
        "destination_prefixes": "destinationprefixes",
        "default_child_prefix_length": "defaultchildprefixlength",
    }

    id: FilledText
    name: Text | None = None
    description: Text | None = None
    partitionid: Text = ""
    projectid: Text = ""
    parentnetworkid: Text = ""
    prefixes: Annotated[
        Prefixes, AfterValidator(at_least_one("A network has at least one prefix."))
    ] = Field(default=NO_ITEMS, validate_default=True)
    destinationprefixes: Prefixes | None = None
    defaultchildprefixlength: ChildPrefixLengths | None = None
    vrf: Number = 0  # which means none
    nat: Flag | None = None
    shared: Flag | None = None
    privatesuper: Flag = False
    underlay: Flag = False
    networktype: Text = ""
    labels: Labels | None = None

    @property
    def own_id(self) -> str:
        return self.id

    @property
    def owner(self) -> str:
        return self.projectid

    def needs(self) -> set[Key]:
        return {
            ("partition", self.partitionid),
            ("project", self.projectid),
            ("network", self.parentnetworkid),
        }

    @property
    def kind(self) -> str:
        """What flags or type say; else private with a parent or if shared, and external without."""
        stated = self._stated_kinds()
        if stated:
            return stated[0]
        is_shared_private = bool(self.shared) and not self.destinationprefixes
        return PRIVATE if self.parentnetworkid or is_shared_private else EXTERNAL

    def _stated_kinds(self) -> list[str]:
        """What flags and type say, each kind once."""
        flags = {SUPER: self.privatesuper, UNDERLAY: self.underlay}
        kinds = [kind for kind, flag in flags.items() if flag]
        if self.networktype in _TYPES:
            kinds.append(_TYPES[self.networktype])
        return list(dict.fromkeys(kinds))

    def contradictions(self) -> Iterator[tuple[str, str]]:
        stated = self._stated_kinds()
        if len(stated) > 1:
            field = "networktype" if self.networktype in _TYPES else "underlay"
            yield field, f"A network is of one kind, not {' and '.join(stated)}."

    def name_of(self, row_field: str) -> str:
        if row_field == "kind":
            return {SUPER: "privatesuper", UNDERLAY: "underlay"}.get(self.kind, "networktype")
        return super().name_of(row_field)

    @property
    def values(self) -> dict[str, Any]:
        """The fields of the row that the document says something about, beside references."""
        lengths = self.defaultchildprefixlength
        stated = {
            "name": self.name,
            "description": self.description,
            "nat": self.nat,
            "labels": self.labels,
            "destination_prefixes": self.destinationprefixes,
            "default_child_prefix_length": lengths.by_family if lengths else None,
        }
        return {name: value for name, value in stated.items() if value is not None}
