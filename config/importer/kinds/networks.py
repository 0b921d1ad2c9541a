"""Networks in metal-api's shape."""

from collections.abc import Collection, Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from config.importer.findings import Remark
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
from config.importer.kinds.network_remarks import of_kind, of_translation
from config.importer.kinds.network_types import CHILD_SHARED, NAT_TYPES, TYPES, misread
from config.importer.kinds.shape import Doc, Key, Shape
from config.importer.kinds.texts import DESCRIPTION, NAME, tidy, tidy_labels, untidy, untidy_labels
from networks.common.violations import named
from networks.rules import EXTERNAL, PRIVATE, SUPER, UNDERLAY


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
    NOT_KEPT = frozenset({"created", "changed"})
    REPEATED = frozenset({"consumption", "usage"})
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
    vrfshared: Flag = False
    nat: Flag | None = None
    nattype: Text = ""
    shared: Flag | None = None
    privatesuper: Flag | None = None
    underlay: Flag | None = None
    networktype: Text = ""
    additionalAnnouncableCIDRs: Prefixes = []
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
        """What flags or type say; else private with a parent, and external without."""
        stated = self._stated_kinds()
        if stated:
            return stated[0]
        return PRIVATE if self.parentnetworkid else EXTERNAL

    def _stated_kinds(self) -> list[str]:
        """What flags and type say, each kind once."""
        flags = {SUPER: self.privatesuper, UNDERLAY: self.underlay}
        kinds = [kind for kind, flag in flags.items() if flag]
        if self.networktype in TYPES:
            kinds.append(TYPES[self.networktype])
        return list(dict.fromkeys(kinds))

    @property
    def says_its_kind(self) -> bool:
        """Whether anything says of which kind it is, be it that no flag is set."""
        flags = self.privatesuper is not None or self.underlay is not None
        return bool(self.networktype or self.parentnetworkid or flags)

    @property
    def is_shared(self) -> bool | None:
        """None where nothing says so. A flag on other kinds than private ones is left out (R1)."""
        if self.kind != PRIVATE:
            return None
        return True if self.networktype == CHILD_SHARED else self.shared

    @property
    def translates(self) -> bool | None:
        """Whether sources are translated on the way there; None where nothing says so."""
        return NAT_TYPES.get(self.nattype) if self.nat is None else self.nat

    @property
    def routed_vrf(self) -> int:
        """Its VRF id, of kinds that have one (R14); 0 means none."""
        return self.vrf if self.kind in (PRIVATE, EXTERNAL) else 0

    def contradictions(self) -> Iterator[tuple[str, str]]:
        stated = self._stated_kinds()
        if self.networktype and self.networktype not in TYPES:
            known = ", ".join(TYPES)
            yield "networktype", f"{self.networktype[:60]!r} is no type of networks: {known}."
        elif len(stated) > 1:
            field = "networktype" if self.networktype in TYPES else "underlay"
            yield field, f"A network is of one kind, not {' and '.join(stated)}."
        elif self.networktype == CHILD_SHARED and self.shared is False:
            reason = "Its type says that it is shared, and this that it is not; sharing is for ever"
            yield "shared", f"{reason} (R3), so say which."
        if self.nat is None and self.nattype and self.nattype not in NAT_TYPES:
            known = named(NAT_TYPES)
            yield "nattype", f"{self.nattype[:60]!r} is no type of translation: {known}."

    def misread(self, unknown: Collection[str]) -> Iterator[tuple[str, str]]:
        yield from misread(unknown, says_its_kind=bool(self.networktype or self.parentnetworkid))

    def name_of(self, row_field: str) -> str:
        if row_field == "kind":
            return {SUPER: "privatesuper", UNDERLAY: "underlay"}.get(self.kind, "networktype")
        return super().name_of(row_field)

    @property
    def values(self) -> dict[str, Any]:
        """The fields of the row that the document says something about, beside references."""
        lengths = self.defaultchildprefixlength
        stated = {
            "name": None if self.name is None else tidy(self.name, NAME) or self.id,
            "description": None
            if self.description is None
            else tidy(self.description, DESCRIPTION),
            "nat": self.translates,
            "labels": None if self.labels is None else tidy_labels(self.labels),
            "destination_prefixes": None if self.kind == PRIVATE else self.destinationprefixes,
            "default_child_prefix_length": lengths.by_family if lengths else None,
        }
        return {name: value for name, value in stated.items() if value is not None}

    def remarks(self) -> Iterator[Remark]:
        yield from of_kind(self)
        yield from of_translation(self)
        yield from untidy("name", self.name or "", NAME)
        yield from untidy("description", self.description or "", DESCRIPTION)
        yield from untidy_labels("labels", self.labels or {})
