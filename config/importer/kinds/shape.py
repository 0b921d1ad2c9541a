"""An object as metal-api writes it: which fields are read, and what becomes of the others."""

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, model_validator
from yaml import Node

from config.importer.findings import Remark
from config.importer.kinds.fields import FilledText, object_fields
from config.importer.nodes import is_null

Key = tuple[str, str]  # kind and id of an object


class Shape(BaseModel):
    """The fields that are read. One that is null counts as missing."""

    model_config = ConfigDict(frozen=True)

    NOT_KEPT: ClassVar[frozenset[str]] = frozenset()  # what metal-api has and this product has not
    REPEATED: ClassVar[frozenset[str]] = frozenset()  # what another object says of itself

    @model_validator(mode="before")
    @classmethod
    def _from_node(cls, node: Node) -> dict[str, Node]:
        fields = object_fields(node)
        return {name: value for name, value in fields.items() if not is_null(value)}

    @classmethod
    @cache
    def attributes(cls) -> dict[str, str]:
        """The attributes by the names that the fields have in documents."""
        return {field.alias or name: name for name, field in cls.model_fields.items()}


class Reference(Shape):
    """An object that metal-api copied into another one. Its id counts, and the rest is ignored."""

    id: FilledText


class Doc(Shape):
    """An object that a row is made of."""

    # The fields by which the kind is known; one of them is enough, and no two kinds share one.
    MARKS: ClassVar[frozenset[str]]
    # What a field of the row is called here, where that is another name.
    NAMES: ClassVar[Mapping[str, str]] = {}

    @property
    def own_id(self) -> str:
        """What others refer to it by; empty for what nobody refers to."""
        return ""

    @property
    def owner(self) -> str:
        """The project it belongs to, if any."""
        return ""

    def needs(self) -> set[Key]:
        """The objects that must be there first; an empty id needs nothing."""
        return set()

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Fields that are each as they must be and do not go together, with a sentence."""
        yield from ()

    def misread(self, unknown: Collection[str]) -> Iterator[tuple[str, str]]:
        """Fields that nobody knows and without which the object cannot be read for sure."""
        yield from ()

    def remarks(self) -> Iterator[Remark]:
        """What is left out of the object or assumed of it, as it says itself."""
        yield from ()

    def name_of(self, row_field: str) -> str:
        """The field that an error of the row is about; empty for the object as a whole."""
        return "" if row_field == "__all__" else self.NAMES.get(row_field, row_field)
