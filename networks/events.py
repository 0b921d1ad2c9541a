"""The trail as people read it: what one request or run did together is one story."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from networks.models import Activity

SHOWN = 8  # changes of one story that a page shows; the rest are a link away


class Difference(NamedTuple):
    """A field that changed, in words."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """One object that was created, changed or removed."""

    row: Activity
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Event:
    """What somebody did, in a sentence, and everything that it changed."""

    rows: tuple[Activity, ...] = field(repr=False)

    @property
    def first(self) -> Activity:
        return self.rows[0]

    @property
    def at(self) -> datetime:
        return self.first.at

    @property
    def sentence(self) -> str:
        """What was done; told from the rows where nobody gave it a name."""
        if self.first.operation:
            return self.first.operation
        told = list(
            {(row.kind, row.key): _told(row) for row in self.rows}.values()
        )  # of each object, how it ended
        return told[0] if len(told) == 1 else f"{told[0]}, and {len(told) - 1} more"

    @property
    def reason(self) -> str:
        return next((row.reason for row in self.rows if row.reason), "")

    @property
    def changes(self) -> list[Change]:
        return [Change(row, tuple(differences(row))) for row in self.rows[:SHOWN]]

    @property
    def more(self) -> int:
        """How many further changes belong to it."""
        return max(0, len(self.rows) - SHOWN)


def events(rows: Iterable[Activity]) -> list[Event]:
    """Rows, newest first, as stories, newest first; within a story things are told in the order in which they happened."""
    found = groupby(rows, key=lambda row: (row.request, row.operation, row.who, row.via))
    return [Event(tuple(reversed(list(together)))) for _, together in found]


def differences(row: Activity) -> Iterator[Difference]:
    """The fields that changed, as texts; what stayed empty is left out."""
    for name, (before, after) in row.changes.items():
        if _text(before) or _text(after):
            yield Difference(name.replace("_", " "), _text(before), _text(after))


def _told(row: Activity) -> str:
    was, now = row.changes.get("state", (None, None))
    if row.verb == Activity.Verb.CHANGED and was and now:
        return f"{row.kind} {row.label} is {now}"
    return f"{row.kind} {row.label} was {row.verb}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}={_text(one)}" for name, one in sorted(value.items()))
    return "" if value is None else str(value)
