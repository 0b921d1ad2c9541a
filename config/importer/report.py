"""What an import did."""

from collections import Counter
from dataclasses import dataclass, field

from config.importer.entries import Entry
from config.importer.kinds.shape import Key
from config.importer.writing.rows import Saved


@dataclass
class Report:
    """Outcomes by kind; in sentences what changed, what stays as it is, and what is kept out."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    keys: list[Key] = field(default_factory=list)  # of every object written
    changes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unknown_fields: list[str] = field(default_factory=list)
    fields_not_kept: Counter[str] = field(default_factory=Counter)

    def count(self, outcome: str) -> int:
        """How many objects were `created`, `changed` or left `unchanged`."""
        return sum(number for (_, one), number in self.outcomes.items() if one == outcome)

    def note_owner(self, project: str) -> None:
        self.outcomes["project", "created"] += 1
        note = "only referred to, so it was made with its id as its name"
        self.notes.append(f"project {project}: {note}")

    def note(self, entry: Entry, saved: Saved) -> None:
        """Note what became of an object."""
        label = entry.name_for_people
        self.notes += [f"{label}: {note}" for note in saved.notes]
        if saved.is_kept_out:
            return
        self.keys.append(entry.key)
        self.outcomes[entry.noun, saved.outcome] += 1
        if saved.outcome != "unchanged":
            self.changes.append(f"{label}: {'; '.join(saved.changes) or saved.outcome}")
