"""The whole import in one transaction: each object that fits, or all of them or nothing."""

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import transaction

from config.importer.documents import read
from config.importer.entries import Entry
from config.importer.files import listed
from config.importer.findings import Place, Problem, Remark
from config.importer.judging import entry_of
from config.importer.kinds.shape import Key
from config.importer.notes import keep
from config.importer.progress import NO_PROGRESS, Progress
from config.importer.report import Report
from config.importer.writing.writer import Writer
from firewalls.models import Firewall
from machines.models import Machine
from networks.common.audit import operation
from networks.common.locking import lock_keys
from networks.common.postgres import judge_now
from networks.common.violations import counted
from networks.models import Network, Partition, Prefix, Project


class ImportRefused(Exception):
    """The files were not imported, and the database is as it was; has every problem found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = list(problems)


def run(
    paths: Iterable[Path],
    *,
    dry_run: bool = False,
    strict: bool = False,
    by: str = "import",
    progress: Progress = NO_PROGRESS,
) -> Report:
    """Import what fits of the files and folders; `strict`: all of it, or nothing.

    Raises ImportRefused, having changed nothing, where a file cannot be read, or an object is kept
    out that must not be.
    """
    with _nothing_collected():
        entries = _read(paths)
        with operation(f"{counted(len(entries), 'object')} were imported"), transaction.atomic():
            _lock_all()
            progress.begin(len(entries))
            report = Writer(by, progress.advance).write(entries)
            _judge(entries, report, strict)
            _judge_by_laws()
            transaction.set_rollback(dry_run)
    return report


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Keep the collector from what is read meanwhile.

    A million nodes come, and none is in a circle: it would go through them again and again, for
    as long as all the rest of an import takes.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read(paths: Iterable[Path]) -> list[Entry]:
    """Every object of the files. Raises ImportRefused where a file cannot be read."""
    file_problems: list[Problem] = []
    entries = list(_entries(paths, file_problems))
    if file_problems:  # Objects that were not read would only show up as missing ones.
        raise ImportRefused([*file_problems, *_problems(entries)])
    return entries


def _judge(entries: Sequence[Entry], report: Report, strict: bool) -> None:
    """Note what there is to say of each object. Raises ImportRefused where none may be kept out."""
    if strict and (problems := _problems(entries)):
        raise ImportRefused(problems)
    for entry in entries:
        report.note_judgement(entry)
    keep(entries)


def _judge_by_laws() -> None:
    """What many objects do together breaks a law, so there is no one of them to be kept out."""
    try:
        judge_now()
    except ValidationError as error:
        place = Place("what was imported")
        raise ImportRefused([Problem(place, reason) for reason in error.messages]) from error


def _lock_all() -> None:
    """What is written comes in the order of the files, so all of it is locked before."""
    for model in (Partition, Project, Machine, Firewall, Network, Prefix):
        lock_keys(model, model._default_manager.values_list("pk", flat=True))


def _entries(paths: Iterable[Path], file_problems: list[Problem]) -> Iterator[Entry]:
    """Every object of every file, each once."""
    first: dict[Key, Entry] = {}
    for name, path in listed(paths, file_problems):
        for document in read(name, path, file_problems):
            entry = entry_of(document)
            if entry.doc is None or first.setdefault(entry.key, entry) is entry:
                yield entry
            elif entry.doc != first[entry.key].doc:
                yield from _contradicting(entry, first[entry.key])


def _contradicting(entry: Entry, first: Entry) -> Iterator[Entry]:
    """Of two objects that are not alike, the first counts."""
    entry.complain("", f"This object is given twice; it is also in {first.place}.")
    entry.doc = None
    first.remarks.append(Remark("", "It is given twice, the second time otherwise; this counts."))
    yield entry


def _problems(entries: Sequence[Entry]) -> list[Problem]:
    return [problem for entry in entries for problem in entry.problems]
