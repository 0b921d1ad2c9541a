"""What an import has to say of objects, kept until another import has not."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.db import models

from config.importer.entries import Entry
from config.importer.kinds.shape import Key
from machines.models import Machine
from networks.models import Address, ImportNote, Network, Partition, Project

_COLUMNS: dict[str, tuple[type[models.Model], str]] = {
    "partition": (Partition, "pk"),
    "project": (Project, "pk"),
    "network": (Network, "pk"),
    "address": (Address, "address"),
    "machine": (Machine, "pk"),
}


class Note(NamedTuple):
    """A note as its row has it."""

    kind: str
    key: str
    label: str
    verdict: str
    field: str
    message: str


def keep(entries: Sequence[Entry]) -> None:
    """Bring the notes up to date: those of these objects, and of objects that are nowhere."""
    wanted = dict.fromkeys(note for entry in entries for note in _notes(entry))
    named = {entry.key for entry in entries}
    gone: list[int] = []
    others: dict[Key, list[int]] = {}
    for row in ImportNote.objects.all():
        note = Note(*(getattr(row, name) for name in Note._fields))
        if note in wanted:
            del wanted[note]
        elif (row.kind, row.key) in named:
            gone.append(row.pk)
        else:
            others.setdefault((row.kind, row.key), []).append(row.pk)
    for key in others.keys() - _existing(others):
        gone += others[key]
    ImportNote.objects.filter(pk__in=gone).delete()
    ImportNote.objects.bulk_create(
        [ImportNote(**note._asdict()) for note in wanted], batch_size=500
    )


def _notes(entry: Entry) -> Iterable[Note]:
    verdict = ImportNote.Verdict.KEPT_OUT if entry.is_kept_out else ImportNote.Verdict.NOTED
    said: list[Any] = entry.problems if entry.is_kept_out else entry.remarks
    for one in said:
        message = one.reason if entry.is_kept_out else one.message
        yield _note(entry, verdict, one.field, message)
    if entry.depends_on is not None:
        yield _note(entry, verdict, "", entry.dependence)


def _note(entry: Entry, verdict: str, field: str, message: str) -> Note:
    """Cut to what the columns hold."""
    kind, key = entry.key
    texts = (kind, key, entry.name_for_people, verdict, field, message)
    shown = ("".join(c if c.isprintable() else " " for c in text) for text in texts)
    cut = (text[: ImportNote.LONGEST[name]] for name, text in zip(Note._fields, shown, strict=True))
    return Note(*cut)


def _existing(keys: Iterable[Key]) -> set[Key]:
    """Those of these objects that are here."""
    by_kind: dict[str, list[str]] = {}
    for kind, key in keys:
        by_kind.setdefault(kind, []).append(key)
    found: set[Key] = set()
    for kind, ids in by_kind.items():
        if kind in _COLUMNS:
            model, column = _COLUMNS[kind]
            rows = model._default_manager.filter(**{f"{column}__in": ids})
            found |= {(kind, str(key)) for key in rows.values_list(column, flat=True)}
    return found
