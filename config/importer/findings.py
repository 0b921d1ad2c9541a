"""Where something stands in the files, and what is wrong with it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file; documents, items and lines count from 1, and 0 means the whole file."""

    file: str
    document: int = 0
    item: int = 0
    line: int = 0

    def __str__(self) -> str:
        parts = [self.file]
        if self.document:
            parts.append(f"document {self.document}")
        if self.item:
            parts.append(f"item {self.item}")
        if self.line:
            parts.append(f"line {self.line}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something is not imported: the place, the object and field, and the reason as a sentence.

    `object` is empty where a file cannot be read as objects at all.
    """

    place: Place
    reason: str
    object: str = ""
    field: str = ""

    def __str__(self) -> str:
        parts = (str(self.place), self.object, self.field)
        return f"{', '.join(part for part in parts if part)}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Remark:
    """What was left out of an object or assumed of it: the field and a sentence.

    `field` is empty where it is about the object as a whole.
    """

    field: str
    message: str
