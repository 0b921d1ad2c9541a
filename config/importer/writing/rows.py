"""What writing has in common for all kinds: rows referred to, what differs, and the outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models

from config.importer.findings import Remark
from networks.common.validation import columns

Row = TypeVar("Row", bound=models.Model)
LONGEST_VALUE = 60


@dataclass
class Saved:
    """What became of one object: its changes, as `nat: False -> True`.

    And remarks on what is otherwise than the document says.
    """

    created: bool = False
    passed_over: str = ""  # judged, and not of a kind that is kept: why, in words
    changes: list[str] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        if self.created:
            return "created"
        return "changed" if self.changes else "unchanged"


def refusal(field: str, code: str, message: str) -> ValidationError:
    """The error that a rule raises on a field, for what only an import can get wrong."""
    return ValidationError({field: ValidationError(message, code=code)})


def existing(model: type[Row], id: str, field: str) -> Row:
    """The row that a document refers to. Raises ValidationError on `field`."""
    row = model._default_manager.filter(pk=id).first()
    if row is None:
        word = model._meta.verbose_name
        reason = f"There is no {word} {id!r}, neither in the files nor in the database."
        raise refusal(field, "unknown", reason)
    return row


def write(model: type[Row], id: str, values: Mapping[str, Any]) -> Saved:
    """Make the row, or change it where it differs."""
    row = model._default_manager.filter(pk=id).first()
    if row is None:
        model(pk=id, **values).save(force_insert=True)
        return Saved(created=True)
    return Saved(changes=save_differing(row, values))


def save_differing(row: models.Model, values: Mapping[str, Any]) -> list[str]:
    """Save these values where the row has others. Returns what that changes."""
    changes = []
    changed = set()
    for name, value in values.items():
        before = getattr(row, name)
        if before != value:
            changes.append(f"{name.removesuffix('_id')}: {_shown(before)} -> {_shown(value)}")
            setattr(row, name, value)
            changed.add(name)
    if changes:
        row.save(update_fields=columns(row, changed))
    return changes


def _shown(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    if len(text) > LONGEST_VALUE:
        return text[:LONGEST_VALUE] + "…"
    return text or "nothing"
