"""An object of the files as one of the kinds that are kept, judged by itself."""

from difflib import get_close_matches

from pydantic import ValidationError as ShapeError
from yaml import MappingNode, Node, ScalarNode

from config.importer.documents import Document
from config.importer.entries import Entry
from config.importer.findings import Remark
from config.importer.kinds import KINDS, MARKS, Doc
from config.importer.kinds.strangers import stranger
from config.importer.nodes import fields_of


def entry_of(document: Document) -> Entry:
    """The object as one of the kinds; with problems, where it is none or is not as it must be."""
    node = document.node
    if not isinstance(node, MappingNode):
        entry = Entry(document.place, "", "")
        entry.complain("", "This is not an object with fields.")
        return entry
    names = fields_of(node).keys()
    kinds = [kind for kind, doc in KINDS.items() if doc.MARKS & names]
    kind = kinds[0] if len(kinds) == 1 else ""
    entry = Entry(document.place, kind, _spelled_id(node), stranger=stranger(node, MARKS))
    if entry.stranger:
        return entry
    for line, reason in document.wrong.items():
        entry.complain_at(line, "", reason)
    if not kind:
        entry.complain("", f"This object cannot be recognised. {_ambiguity(kinds)}")
    elif not entry.problems:
        _read_as(KINDS[kind], entry, node)
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
    misread = list(doc.misread(entry.survey.unknown))
    for path, reason in [*misread, *doc.contradictions()]:
        line = entry.survey.unknown.get(path) or entry.survey.line_of(path)
        entry.complain_at(line or entry.place.line, path, reason)
    if not entry.problems:
        entry.doc = doc
        entry.remarks += [*doc.remarks(), *_unknown(entry, kind)]


def _unknown(entry: Entry, kind: type[Doc]) -> list[Remark]:
    """That fields which nobody knows are left out, with the nearest one that is known."""
    remarks = []
    for path in entry.survey.unknown:
        near = get_close_matches(path, kind.attributes(), 1)
        meant = f" Is {near[0]} meant?" if near else ""
        remarks.append(Remark(path, f"Nobody knows this field; it is left out.{meant}"))
    return remarks


def _spelled_id(node: MappingNode) -> str:
    """The id wherever the kinds have it, or else the name."""
    fields = fields_of(node)
    meta: Node | None = fields.get("meta")
    holder = fields_of(meta) if isinstance(meta, MappingNode) else fields
    spelled = fields.get("ipaddress") or holder.get("id") or fields.get("name")
    return spelled.value if isinstance(spelled, ScalarNode) else ""
