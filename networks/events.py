"""The audit trail as people read it: what one request or run did together is one event."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from networks.models import Activity

SHOWN = 8  # changes of one event that a page shows; the rest are a link away


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
        """The operation; where it has no name, what became of its objects."""
        if self.first.operation:
            return self.first.operation
        # The last change of an object says how it ended.
        outcomes = list({(row.kind, row.key): _outcome(row) for row in self.rows}.values())
        if len(outcomes) == 1:
            return outcomes[0]
        return f"{outcomes[0]}, and {len(outcomes) - 1} more"

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
    """Rows, newest first, as events, newest first; within an event the oldest change is first."""
    return [Event(tuple(reversed(list(group)))) for _, group in groupby(rows, key=_event_of)]


def _event_of(row: Activity) -> tuple[str, ...]:
    return (row.request, row.operation, row.who, row.via)


def differences(row: Activity) -> Iterator[Difference]:
    """The fields that changed, as texts; what stayed empty is left out."""
    for name, (before, after) in row.changes.items():
        difference = Difference(name.replace("_", " "), _text(before), _text(after))
        if difference.before or difference.after:
            yield difference


def _outcome(row: Activity) -> str:
    before, after = row.changes.get("state", (None, None))
    if row.verb == Activity.Verb.CHANGED and before and after:
        return f"{row.kind} {row.label} is {after}"
    return f"{row.kind} {row.label} was {row.verb}"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}={_text(item)}" for name, item in sorted(value.items()))
    return str(value)
