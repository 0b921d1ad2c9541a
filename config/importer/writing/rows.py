"""What writing has in common for all kinds: what differs, and the outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from config.importer.findings import Remark
from config.importer.writing.context import Context
from networks.common.validation import columns

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


def save_differing(row: models.Model, values: Mapping[str, Any], context: Context) -> list[str]:
    """Save these values where the row has others. Returns what that changes."""
    differing = {name: value for name, value in values.items() if getattr(row, name) != value}
    if not differing:
        return []
    context.before_writing()
    changes = []
    for name, value in differing.items():
        before = _shown(getattr(row, name))
        changes.append(f"{name.removesuffix('_id')}: {before} -> {_shown(value)}")
        setattr(row, name, value)
    row.save(update_fields=columns(row, differing))
    return changes


def _shown(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    if len(text) > LONGEST_VALUE:
        return text[:LONGEST_VALUE] + "…"
    return text or "nothing"
