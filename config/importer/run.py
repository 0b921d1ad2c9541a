"""The whole import in one transaction: read every file, save every object in an order that resolves references, or nothing."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import transaction

from config.importer import saving, saving_machines
from config.importer.documents import Problem, files, read
from config.importer.fields import Findings
from config.importer.kinds import AddressDoc, Doc, NetworkDoc, PartitionDoc, ProjectDoc, recognise
from config.importer.machines import MachineDoc, RulesDoc
from config.importer.saving import Saved
from networks.common.addressing import IP
from networks.common.audit import operation
from networks.common.violations import counted
from networks.models import Address, Project

Key = tuple[str, str]
_NAMED = ("partition", "project", "network")
_MODEL_TO_NETWORK = {
    "cidr": "prefixes",
    "prefix": "prefixes",
    "partition": "partitionid",
    "project": "projectid",
    "parent": "parentnetworkid",
    "destination_prefixes": "destinationprefixes",
    "default_child_prefix_length": "defaultchildprefixlength",
}
_MODEL_TO_ADDRESS = {
    "address": "ipaddress",
    "network": "networkid",
    "project": "projectid",
    "kind": "type",
    "prefix": "networkid",
}
_MODEL_TO_MACHINE = {
    "networks": "allocation.networks",
    "network": "allocation.networks",
    "primary": "allocation.networks",
    "name": "allocation.name",
    "addresses": "allocation.networks.ips",
    "address": "allocation.networks.ips",
    "asn": "allocation.networks.asn",
    "labels": "tags",
    "project": "allocation.project",
    "partition": "partition.id",
    "role": "allocation.role",
}


class ImportRefused(Exception):
    """The files were not imported, and the database is as it was; says every problem found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = list(problems)


@dataclass
class Report:
    """What an import did: outcomes per kind, kind and id of every object, what changed, notes, fields unknown, fields left out."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    keys: list[Key] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)

    def count(self, outcome: str) -> int:
        return sum(number for (_, found), number in self.outcomes.items() if found == outcome)

    def note(self, kind: str, label: str, saved: Saved) -> None:
        self.outcomes[kind, saved.outcome] += 1
        if saved.outcome != "unchanged":
            self.changes.append(f"{label}: {'; '.join(saved.changes) or saved.outcome}")
        self.notes += [f"{label}: {note}" for note in saved.notes]


def run(paths: Iterable[Path], *, dry_run: bool = False, by: str = "import") -> Report:
    """Import the files and folders. Raises ImportRefused, having changed nothing."""
    findings = Findings()
    docs = list(_described(paths, findings))
    if any(problem.object == "" for problem in findings.problems):
        raise ImportRefused(findings.problems)  # Unread objects would only show up as missing ones.
    report = Report(unknown=findings.unknown, left=findings.left)
    with operation(f"{counted(len(docs), 'object')} were imported"), transaction.atomic():
        _Saver(report, findings.problems, by).save(docs)
        if findings.problems:
            raise ImportRefused(findings.problems)
        transaction.set_rollback(dry_run)
    return report


def _described(paths: Iterable[Path], findings: Findings) -> Iterator[Doc]:
    """Every object of every file, each once."""
    seen: dict[Key, Doc] = {}
    for name, path in files(paths, findings.problems):
        for document in read(name, path, findings.problems):
            doc = recognise(document, findings)
            if doc is None:
                continue
            first = seen.setdefault(_key(doc), doc)
            if first is doc:
                yield doc
            else:
                findings.problems.append(
                    doc.origin.problem(
                        "", f"This object is given twice; it is also in {first.origin.place}."
                    )
                )


def _kind(doc: Doc) -> str:
    if isinstance(doc, MachineDoc) and doc.firewall:
        return "firewall"
    return {
        PartitionDoc: "partition",
        ProjectDoc: "project",
        NetworkDoc: "network",
        AddressDoc: "address",
        MachineDoc: "machine",
    }.get(type(doc), "rules")


def _key(doc: Doc) -> Key:
    return ("machine", str(doc.uuid)) if isinstance(doc, MachineDoc) else (_kind(doc), doc.id)


def _needs(doc: Doc) -> set[Key]:
    """The objects that must be there first."""
    if isinstance(doc, NetworkDoc):
        return {("partition", doc.partition), ("project", doc.project), ("network", doc.parent)}
    if isinstance(doc, AddressDoc):
        return {("network", doc.network), ("project", doc.project)}
    if isinstance(doc, MachineDoc):
        return {
            ("partition", doc.partition),
            ("project", doc.project),
            *(("network", use.network) for use in doc.networks),
        }
    return set()


def _ordered(docs: Sequence[Doc]) -> list[Doc]:
    """What others refer to comes first; addresses in the way of none; what must be picked after all that is given."""
    held = {
        ip for doc in docs if isinstance(doc, MachineDoc) for use in doc.networks for ip in use.ips
    }
    networks = {"super": 2, "underlay": 3, "external": 3, "private": 4}

    def rank(doc: Doc) -> int:
        if isinstance(doc, NetworkDoc):
            return networks[doc.kind]
        if isinstance(doc, AddressDoc):
            return 8 if doc.ip in held else 5
        if isinstance(doc, MachineDoc):
            return 6 if all(use.ips for use in doc.networks) else 7
        return {PartitionDoc: 0, ProjectDoc: 1}.get(type(doc), 9)

    return sorted(docs, key=rank)


class _Saver:
    """Saves objects one after the other; what fails is noted, and what depends on it is passed over in silence."""

    def __init__(self, report: Report, problems: list[Problem], by: str) -> None:
        self.report, self.problems, self.by = report, problems, by
        # Objects with a problem are not in `docs`; whoever refers to them is not to blame.
        self.failed: set[Key] = set()
        self.new: set[IP] = set()
        for kind, _, id in (problem.object.partition(" ") for problem in problems):
            self.failed |= {(one, id) for one in (_NAMED if kind == "object" else [kind]) if id}

    def save(self, docs: Sequence[Doc]) -> None:
        ordered = _ordered(docs)
        listed = {doc.ip for doc in docs if isinstance(doc, AddressDoc)}
        self.new = listed - set(
            Address.objects.filter(address__in=listed).values_list("address", flat=True)
        )
        own = {doc.id for doc in ordered if isinstance(doc, ProjectDoc)}
        for doc in ordered:
            if _needs(doc) & self.failed:
                self.failed.add(_key(doc))
                continue
            try:
                with transaction.atomic():
                    self._owner(doc, own)
                    self._note(doc)
            except ValidationError as error:
                self.failed.add(_key(doc))
                self.problems += _problems(doc, error)

    def _owner(self, doc: Doc, own: set[str]) -> None:
        """Make the project that a document only refers to."""
        id = doc.project if isinstance(doc, NetworkDoc | AddressDoc | MachineDoc) else ""
        if id and id not in own and not Project.objects.filter(pk=id).exists():
            Project(id=id, name=id).save(force_insert=True)
            self.report.outcomes["project", "created"] += 1
            self.report.notes.append(
                f"project {id}: only referred to, so it was made with its id as its name"
            )

    def _note(self, doc: Doc) -> None:
        if isinstance(doc, MachineDoc) and not doc.allocated:
            self.report.notes.append(f"{doc.origin.label}: not allocated, kept out")
            return
        saved = self._saved(doc)
        if isinstance(doc, RulesDoc):
            self.report.notes += [f"{doc.origin.place}: {note}" for note in saved.notes]
        else:
            label = f"{_kind(doc)} {doc.name}" if isinstance(doc, MachineDoc) else doc.origin.label
            self.report.keys.append(_key(doc))
            self.report.note(_kind(doc), label, saved)

    def _saved(self, doc: Doc) -> Saved:
        if isinstance(doc, PartitionDoc):
            return saving.partition(doc)
        if isinstance(doc, ProjectDoc):
            return saving.project(doc)
        if isinstance(doc, NetworkDoc):
            return saving.network(doc, self.by)
        if isinstance(doc, AddressDoc):
            return saving.address(doc, new=doc.ip in self.new)
        return (
            saving_machines.machine(doc, self.by)
            if isinstance(doc, MachineDoc)
            else saving_machines.rules_only(doc)
        )


def _problems(doc: Doc, error: ValidationError) -> Iterator[Problem]:
    """The rules' own sentences, at the fields the document has."""
    for name, errors in getattr(
        error, "error_dict", {"": error.error_list if hasattr(error, "error_list") else []}
    ).items():
        for one in errors:
            for message in one.messages:
                yield doc.origin.problem(_field(doc, name), message)


def _field(doc: Doc, name: str) -> str:
    if name == "__all__":
        return ""
    if isinstance(doc, NetworkDoc):
        flags = {"super": "privatesuper", "underlay": "underlay"}
        return (
            flags.get(doc.kind, "networktype")
            if name == "kind"
            else _MODEL_TO_NETWORK.get(name, name)
        )
    if isinstance(doc, AddressDoc):
        return _MODEL_TO_ADDRESS.get(name, name)
    if isinstance(doc, MachineDoc):
        return _MODEL_TO_MACHINE.get(name, name)
    return (
        {"tenant": "tenant_id", "id": "meta.id"}.get(name, name)
        if isinstance(doc, ProjectDoc)
        else name
    )
