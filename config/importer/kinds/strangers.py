"""What metalctl lists beside the objects that are kept here: recognised, so that nobody guesses."""

from collections.abc import Collection

from yaml import MappingNode, Node, ScalarNode

from config.importer.nodes import fields_of

PROJECT = "Project"
# The fields by which each is known, in this order: of some the fields of others are a part.
_MARKS: dict[str, frozenset[str]] = {
    "tenant": frozenset({"iam_config", "default_quotas"}),
    "file-system layout": frozenset({"filesystems", "volumegroups", "logicalvolumes"}),
    "switch": frozenset({"rack_id", "nics", "last_sync"}),
    "image": frozenset({"classification", "expirationDate", "usedby"}),
    "size reservation": frozenset({"sizeid", "partitionids", "amount"}),
    "size": frozenset({"constraints"}),
}


def stranger(node: Node, own_marks: Collection[str]) -> str:
    """What it is, where metal-stack has it and this product has not; empty if it may be ours.

    `own_marks`: the fields by which the objects that are kept are known.
    """
    if not isinstance(node, MappingNode):
        return ""
    fields = fields_of(node)
    if word := _stated(fields.get("meta")):
        return word
    names = fields.keys()
    if names & (set(own_marks) - {"meta", "quotas"}):
        return ""
    return next((word for word, marks in _MARKS.items() if marks & names), "")


def _stated(meta: Node | None) -> str:
    """What `meta.kind` says, where that is another thing than a project."""
    kind = fields_of(meta).get("kind") if isinstance(meta, MappingNode) else None
    spelled = kind.value if isinstance(kind, ScalarNode) else ""
    return "" if spelled in ("", PROJECT) else spelled[:60].lower()
