"""One object of the files, read and judged by itself."""

from dataclasses import dataclass, field, replace

from django.core.exceptions import ValidationError as RowError
from pydantic import ValidationError as ShapeError
from yaml import MappingNode, ScalarNode

from config.importer.documents import Document
from config.importer.findings import Place, Problem
from config.importer.kinds import KINDS, Doc, MachineDoc, RulesDoc
from config.importer.kinds.fields import MISSING
from config.importer.kinds.shape import Key
from config.importer.kinds.survey import Survey
from config.importer.nodes import Steps, fields_of, line_at

LONGEST_ID = 80
_REFERRED_TO = ("partition", "project", "network")


@dataclass
class Entry:
    """An object with its problems, its lines and the fields that are not read.

    `kind` is empty where it cannot be told, and `doc` is None where the object cannot be read.
    """

    place: Place
    kind: str
    id: str  # as it is spelled
    doc: Doc | None = None
    problems: list[Problem] = field(default_factory=list)
    survey: Survey = field(default_factory=Survey)

    @property
    def label(self) -> str:
        """`network storage-fra`, as far as it can be told."""
        return f"{self.kind or 'object'} {self.id[:LONGEST_ID]}".rstrip()

    @property
    def noun(self) -> str:
        """The kind as people see it: a firewall is a machine to metal-api."""
        is_firewall = isinstance(self.doc, MachineDoc) and self.doc.is_firewall
        return "firewall" if is_firewall else self.kind

    @property
    def name_for_people(self) -> str:
        """`firewall storage-fw`: as it is called in a report on what was read well."""
        if isinstance(self.doc, RulesDoc):
            return str(self.place)
        if isinstance(self.doc, MachineDoc) and self.doc.allocation:
            return f"{self.noun} {self.doc.name}"
        return self.label

    @property
    def unknown_fields(self) -> list[str]:
        """The fields that nobody knows, with their places."""
        return [
            f"{replace(self.place, line=line)}, {self.label}, {path}"
            for path, line in self.survey.unknown.items()
        ]

    @property
    def key(self) -> Key:
        assert self.doc is not None
        return (self.kind, self.doc.own_id or str(self.place))

    @property
    def keys_it_may_have(self) -> set[Key]:
        """By which others may refer to an object that cannot be read, or not even recognised."""
        kinds = [self.kind] if self.kind else _REFERRED_TO
        return {(kind, self.id) for kind in kinds if self.id}

    def refuse(self, path: str, reason: str) -> None:
        """Note a problem for which the object is not written."""
        self.complain(path, reason)
        self.doc = None

    def complain(self, path: str, reason: str) -> None:
        """Note a problem of a field, `allocation.networks[1].ips`, or of the object as a whole."""
        self._note(self.survey.line_of(path) or self.place.line, path, reason)

    def complain_of_shape(self, error: ShapeError, node: MappingNode) -> None:
        """Note what does not have the shape of its kind, each field in its own line."""
        for one in error.errors(include_url=False, include_context=False, include_input=False):
            steps = one["loc"]
            reason = MISSING if one["type"] == "missing" else one["msg"]
            self._note(line_at(node, steps), _path(steps), reason)

    def _note(self, line: int, path: str, reason: str) -> None:
        place = replace(self.place, line=line)
        self.problems.append(Problem(place, reason, self.label, path))

    def complain_of_row(self, error: RowError) -> None:
        """Note what the rules say about the row, in their own sentences."""
        assert self.doc is not None
        by_field = error.error_dict if hasattr(error, "error_dict") else {"": error.error_list}
        for row_field, errors in by_field.items():
            for message in (message for one in errors for message in one.messages):
                self.complain(self.doc.name_of(row_field), message)


def entry_of(document: Document) -> Entry:
    """The object as one of the kinds; with problems, where it is none or is not as it must be."""
    names = fields_of(document.node).keys()
    kinds = [kind for kind, doc in KINDS.items() if doc.MARKS & names]
    kind = kinds[0] if len(kinds) == 1 else ""
    entry = Entry(document.place, kind, _spelled_id(document.node))
    if kind:
        _read_as(KINDS[kind], entry, document.node)
    else:
        entry.complain("", f"This object cannot be recognised. {_ambiguity(kinds)}")
    return entry


def _ambiguity(kinds: list[str]) -> str:
    if kinds:
        return f"It has the fields of {' and '.join(kinds)} at once."
    return f"Its fields fit none of: {', '.join(KINDS)}."


def _read_as(kind: type[Doc], entry: Entry, node: MappingNode) -> None:
    try:
        doc = kind.model_validate(node)
    except ShapeError as error:
        entry.complain_of_shape(error, node)
        return
    entry.survey.visit(doc, node)
    for path, reason in doc.contradictions():
        entry.complain(path, reason)
    if not entry.problems:
        entry.doc = doc


def _spelled_id(node: MappingNode) -> str:
    """The id wherever the kinds have it, or else the name."""
    fields = fields_of(node)
    meta = fields.get("meta")
    holder = fields_of(meta) if isinstance(meta, MappingNode) else fields
    spelled = fields.get("ipaddress") or holder.get("id") or fields.get("name")
    return spelled.value if isinstance(spelled, ScalarNode) else ""


def _path(steps: Steps) -> str:
    """`allocation.networks[1].ips`"""
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path.removeprefix(".")
