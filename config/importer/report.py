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
    kept_out: list[str] = field(default_factory=list)
    objects_kept_out: int = 0
    unknown_fields: list[str] = field(default_factory=list)
    fields_not_kept: Counter[str] = field(default_factory=Counter)
    strangers: Counter[str] = field(default_factory=Counter)  # what is of no kind that is kept

    def count(self, outcome: str) -> int:
        """How many objects were `created`, `changed` or left `unchanged`."""
        return sum(number for (_, one), number in self.outcomes.items() if one == outcome)

    def note_reading(self, entry: Entry) -> None:
        """Note what is not read of an object, or that it is of no kind that is kept."""
        self.unknown_fields += entry.unknown_fields
        self.fields_not_kept += entry.survey.not_kept
        if entry.stranger:
            self.strangers[entry.stranger] += 1

    def note_owner(self, project: str) -> None:
        self.outcomes["project", "created"] += 1
        note = "only referred to, so it was made with its id as its name"
        self.notes.append(f"project {project}: {note}")

    def note(self, entry: Entry, saved: Saved) -> None:
        """Note what became of an object."""
        label = entry.name_for_people
        entry.remarks += saved.remarks
        if saved.passed_over:
            self.notes.append(f"{label}: {saved.passed_over}")
            return
        self.keys.append(entry.key)
        self.outcomes[entry.noun, saved.outcome] += 1
        if saved.outcome != "unchanged":
            self.changes.append(f"{label}: {'; '.join(saved.changes) or saved.outcome}")

    def note_judgement(self, entry: Entry) -> None:
        """Note why an object is kept out, or what was left out or assumed of it."""
        if entry.is_kept_out:
            self.objects_kept_out += 1
            self.kept_out += entry.reasons
            return
        label = entry.name_for_people
        for remark in entry.remarks:
            field = f"{remark.field}: " if remark.field else ""
            self.notes.append(f"{label}: {field}{remark.message}")
