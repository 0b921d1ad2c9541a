"""Addresses in metal-api's shape."""

from collections.abc import Iterator
from typing import Any

from config.importer.findings import Remark
from config.importer.kinds.fields import Address, FilledText, Text, Texts
from config.importer.kinds.shape import Doc, Key
from config.importer.kinds.texts import (
    DESCRIPTION,
    NAME,
    labels_of,
    tidy,
    tidy_labels,
    untidy,
    untidy_labels,
)


class AddressDoc(Doc):
    """An address that somebody has reserved, or that a machine has."""

    MARKS = frozenset({"ipaddress"})
    NOT_KEPT = frozenset({"allocationuuid", "created", "changed"})
    NAMES = {
        "address": "ipaddress",
        "network": "networkid",
        "prefix": "networkid",
        "project": "projectid",
        "kind": "type",
        "labels": "tags",
    }

    ipaddress: Address
    name: Text | None = None
    description: Text | None = None
    type: Text | None = None
    tags: Texts | None = None
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
        values: dict[str, Any] = {}
        if self.name is not None:
            values["name"] = tidy(self.name, NAME)
        if self.description is not None:
            values["description"] = tidy(self.description, DESCRIPTION)
        if self.type is not None:
            values["kind"] = self.type
        if self.tags is not None:
            values["labels"] = tidy_labels(labels_of(self.tags))
        return values

    def remarks(self) -> Iterator[Remark]:
        yield from untidy("name", self.name or "", NAME)
        yield from untidy("description", self.description or "", DESCRIPTION)
        yield from untidy_labels("tags", labels_of(self.tags or []))
