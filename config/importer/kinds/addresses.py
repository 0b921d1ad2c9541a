"""Addresses in metal-api's shape."""

from typing import Any

from config.importer.kinds.fields import Address, FilledText, Text
from config.importer.kinds.shape import Doc, Key


class AddressDoc(Doc):
    """An address that somebody has reserved, or that a machine has."""

    MARKS = frozenset({"ipaddress"})
    NOT_KEPT = frozenset({"allocationuuid", "tags", "created", "changed"})
    NAMES = {
        "address": "ipaddress",
        "network": "networkid",
        "prefix": "networkid",
        "project": "projectid",
        "kind": "type",
    }

    ipaddress: Address
    name: Text | None = None
    description: Text | None = None
    type: Text | None = None
    networkid: FilledText
    projectid: FilledText

    @property
    def own_id(self) -> str:
        return str(self.ipaddress)

    @property
    def owner(self) -> str:
        return self.projectid

    def needs(self) -> set[Key]:
        return {("network", self.networkid), ("project", self.projectid)}

    @property
    def values(self) -> dict[str, Any]:
        """The fields of the row that the document says something about, beside references."""
        stated = {"name": self.name, "description": self.description, "kind": self.type}
        return {name: value for name, value in stated.items() if value is not None}
