"""One object of the files, read and judged by itself."""

from dataclasses import dataclass, field, replace

from django.core.exceptions import ValidationError as RowError
from pydantic import ValidationError as ShapeError
from yaml import MappingNode

from config.importer.findings import Place, Problem, Remark
from config.importer.kinds import Doc, MachineDoc, RulesDoc
from config.importer.kinds.fields import MISSING
from config.importer.kinds.shape import Key
from config.importer.kinds.survey import Survey
from config.importer.nodes import Steps, line_at

LONGEST_ID = 80
_REFERRED_TO = ("partition", "project", "network")


@dataclass
class Entry:
    """An object with its problems, its lines and the fields that are not read.

    `kind` is empty where it cannot be told, and `doc` is None where the object cannot be read.
    `stranger` is what it is instead, where metal-stack has it and this product has not.
    """

    place: Place
    kind: str
    id: str  # as it is spelled
    doc: Doc | None = None
    problems: list[Problem] = field(default_factory=list)
    survey: Survey = field(default_factory=Survey)
    remarks: list[Remark] = field(default_factory=list)
    stranger: str = ""
    depends_on: Key | None = None  # the object that is kept out, and this one with it

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
        """By its own id; of an object that cannot be read, by what seems to be that."""
        own_id = self.doc.own_id if self.doc else self.id[:LONGEST_ID]
        return (self.kind or "object", own_id or str(self.place))

    @property
    def keys_it_may_have(self) -> set[Key]:
        """By which others may refer to an object that cannot be read, or not even recognised."""
        kinds = [self.kind] if self.kind else _REFERRED_TO
        return {(kind, self.id) for kind in kinds if self.id}

    @property
    def is_kept_out(self) -> bool:
        return bool(self.problems or self.depends_on)

    @property
    def reasons(self) -> list[str]:
        """Why it is kept out, with the places."""
        if self.depends_on is None:
            return [str(problem) for problem in self.problems]
        return [f"{self.place}, {self.label}: {self.dependence}"]

    @property
    def dependence(self) -> str:
        """What it is kept out with, as a sentence; empty without."""
        if self.depends_on is None:
            return ""
        kind, id = self.depends_on
        return f"It needs the {kind} {id}, which is kept out."

    def complain(self, path: str, reason: str) -> None:
        """Note a problem of a field, `allocation.networks[1].ips`, or of the object as a whole."""
        self.complain_at(self.survey.line_of(path) or self.place.line, path, reason)

    def complain_of_shape(self, error: ShapeError, node: MappingNode) -> None:
        """Note what does not have the shape of its kind, each field in its own line."""
        for one in error.errors(include_url=False, include_context=False, include_input=False):
            steps = one["loc"]
            reason = MISSING if one["type"] == "missing" else one["msg"]
            self.complain_at(line_at(node, steps), _path(steps), reason)

    def complain_at(self, line: int, path: str, reason: str) -> None:
        """Note a problem of a field that stands in this line."""
        place = replace(self.place, line=line)
        self.problems.append(Problem(place, reason, self.label, path))

    def complain_of_row(self, error: RowError) -> None:
        """Note what the rules say about the row, in their own sentences."""
        assert self.doc is not None
        by_field = error.error_dict if hasattr(error, "error_dict") else {"": error.error_list}
        for row_field, errors in by_field.items():
            for message in (message for one in errors for message in one.messages):
                self.complain(self.doc.name_of(row_field), message)


def _path(steps: Steps) -> str:
    """`allocation.networks[1].ips`"""
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path.removeprefix(".")
