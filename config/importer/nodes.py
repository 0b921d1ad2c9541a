"""YAML as PyYAML's nodes, which know their lines. No tag is obeyed, no type is guessed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from config.importer.files import Unreadable

MAX_DEPTH = 20  # metal-api's deepest object, a machine, has nine levels
Steps = Sequence[str | int]  # the way to a field, through objects and lists
MERGE = "<<"
_ENDS = (yaml.SequenceEndEvent, yaml.MappingEndEvent)
NULLS = frozenset({"", "~", "null", "Null", "NULL"})


def is_plain(node: Node) -> bool:
    """Whether this is a value without quotes, as numbers, flags and null are."""
    return isinstance(node, ScalarNode) and not node.style


def is_null(node: Node) -> bool:
    return is_plain(node) and node.value in NULLS


def line_of(node: Node) -> int:
    line: int = node.start_mark.line
    return line + 1


def fields_of(node: MappingNode) -> dict[str, Node]:
    """The values by their names; of two alike, which is a problem, the last one."""
    return {name.value: value for name, value in node.value}


def line_at(node: Node, steps: Steps) -> int:
    """The line of a field, or of the nearest thing around it."""
    for step in steps:
        inner = _inside(node, step)
        if inner is None:
            break
        node = inner
    return line_of(node)


def _inside(node: Node, step: str | int) -> Node | None:
    if isinstance(node, MappingNode):
        return fields_of(node).get(str(step))
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        item: Node = node.value[step]
        return item
    return None


@dataclass(frozen=True, slots=True)
class Root:
    """The root of a document, and what is wrong in single lines of it, by line."""

    node: Node
    wrong: Mapping[int, str]


def roots(text: str) -> Iterator[Root]:
    """The root of each document of a file. Raises Unreadable or yaml.YAMLError."""
    parser = yaml.CBaseLoader(text)
    parser.get_event()  # the stream begins
    while not isinstance(parser.get_event(), yaml.StreamEndEvent):  # or a document begins
        wrong: dict[int, str] = {}
        yield Root(_composed(parser, parser.get_event(), 0, wrong), wrong)
        parser.get_event()  # the document ends


def _composed(parser: Any, event: Any, depth: int, wrong: dict[int, str]) -> Node:
    """The node that begins with this event, which is looked at before anything is read inside.

    `yaml.compose` with libyaml composes within the binding: 100,000 nested brackets crash the
    process, and where an alias stood is the node itself, so that nobody can tell in which line.
    PyYAML's own composer asks for each event eight times: a third of the time of an import.
    """
    if reason := _refusal(event, depth):
        raise Unreadable(reason, event.start_mark.line + 1)
    kind, start = type(event), event.start_mark
    if kind is yaml.ScalarEvent:
        return ScalarNode("", event.value, start, event.end_mark, event.style)
    is_mapping = kind is yaml.MappingStartEvent
    inside: list[Any] = []
    while type(event := parser.get_event()) not in _ENDS:
        item: Any = _composed(parser, event, depth + 1, wrong)
        if is_mapping:
            item = (item, _composed(parser, parser.get_event(), depth + 1, wrong))
        inside.append(item)
    if not is_mapping:
        return SequenceNode("", inside, start, event.end_mark)
    _check_names(inside, wrong)
    return MappingNode("", inside, start, event.end_mark)


def _check_names(fields: Sequence[tuple[Node, Node]], wrong: dict[int, str]) -> None:
    """Each field of an object has a name of its own. Raises Unreadable where one is no word."""
    first: dict[str, Node] = {}
    for key, value in fields:
        if not isinstance(key, ScalarNode):
            reason = "A field's name is a list or object here; names are plain words."
            raise Unreadable(reason, line_of(key))
        if key.value in first:
            line = line_of(first[key.value])
            reason = f"The field {key.value!r} is given twice; its first value is in line {line}."
            wrong[line_of(key)] = reason
        elif key.value == MERGE and is_plain(key):
            reason = "Fields are merged (<<) here, which is not read; write them out."
            wrong[line_of(key)] = reason
        else:
            first[key.value] = value


def _refusal(event: Any, depth: int) -> str:
    """Why this is not read; empty if it is."""
    kind = type(event)
    if kind is yaml.AliasEvent:
        return "The line uses an alias (*name), which is not read here; write the value out."
    if event.tag and event.tag != "!":
        tag = event.tag[:60]
        return f"The line uses the tag {tag}, which is not read here; write a plain value."
    if kind is yaml.ScalarEvent:
        return "The line holds a NUL character." if "\0" in event.value else ""
    if depth >= MAX_DEPTH:
        levels = f"More than {MAX_DEPTH} levels are nested here"
        return f"{levels}; no object of metal-api is that deep."
    return ""
