"""The whole import in one transaction: all that the files say, or nothing."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from django.db import transaction

from config.importer.documents import read
from config.importer.entries import Entry, entry_of
from config.importer.files import listed
from config.importer.findings import Place, Problem
from config.importer.kinds.shape import Key
from config.importer.report import Report
from config.importer.writing.writer import Writer
from firewalls.models import Firewall
from machines.models import Machine
from networks.common.audit import operation
from networks.common.locking import lock_keys
from networks.common.violations import counted
from networks.models import Network, Partition, Prefix, Project


class ImportRefused(Exception):
    """The files were not imported, and the database is as it was; has every problem found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = list(problems)


def run(paths: Iterable[Path], *, dry_run: bool = False, by: str = "import") -> Report:
    """Import the files and folders. Raises ImportRefused, having changed nothing."""
    file_problems: list[Problem] = []
    entries = list(_entries(paths, file_problems))
    if file_problems:  # Objects that were not read would only show up as missing ones.
        raise ImportRefused([*file_problems, *_problems(entries)])
    with operation(f"{counted(len(entries), 'object')} were imported"), transaction.atomic():
        _lock_all()
        report = Writer(by).write(entries)
        if problems := _problems(entries):
            raise ImportRefused(problems)
        transaction.set_rollback(dry_run)
    return report


def _lock_all() -> None:
    """What is written comes in the order of the files, so all of it is locked before."""
    for model in (Partition, Project, Machine, Firewall, Network, Prefix):
        lock_keys(model, model._default_manager.values_list("pk", flat=True))


def _entries(paths: Iterable[Path], file_problems: list[Problem]) -> Iterator[Entry]:
    """Every object of every file. Of two alike the first counts, and the second has a problem."""
    places: dict[Key, Place] = {}
    for name, path in listed(paths, file_problems):
        for document in read(name, path, file_problems):
            entry = entry_of(document)
            if entry.doc is not None:
                first = places.setdefault(entry.key, entry.place)
                if first is not entry.place:
                    entry.refuse("", f"This object is given twice; it is also in {first}.")
            yield entry


def _problems(entries: Sequence[Entry]) -> list[Problem]:
    return [problem for entry in entries for problem in entry.problems]
