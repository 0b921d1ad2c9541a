"""YAML as PyYAML's nodes, which know their lines. No tag is obeyed, no type is guessed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode
from yaml.composer import Composer

from config.importer.files import Unreadable

MAX_DEPTH = 20  # metal-api's deepest object, a machine, has nine levels
Steps = Sequence[str | int]  # the way to a field, through objects and lists
MERGE = "<<"
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
    loader = _Loader(text)
    while loader.check_node():
        loader.wrong = {}
        root = loader.get_node()
        assert root is not None  # check_node() has seen it
        yield Root(root, loader.wrong)


class _Loader(Composer, yaml.CBaseLoader):
    """PyYAML's composer over libyaml's parser, which looks at each event before it goes deeper.

    `yaml.compose` with libyaml composes within the binding: 100,000 nested brackets crash the
    process, and where an alias stood is the node itself, so that nobody can tell in which line.
    """

    def __init__(self, text: str) -> None:
        yaml.CBaseLoader.__init__(self, text)
        Composer.__init__(self)
        self.wrong: dict[int, str] = {}
        self.depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        event: Any = self.peek_event()
        if reason := _refusal(event, self.depth):
            raise Unreadable(reason, event.start_mark.line + 1)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def compose_mapping_node(self, anchor: Any) -> MappingNode:
        """An object, whose fields each have a name of their own."""
        node = super().compose_mapping_node(anchor)
        first: dict[str, Node] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                reason = "A field's name is a list or object here; names are plain words."
                raise Unreadable(reason, line_of(key))
            if key.value in first:
                line = line_of(first[key.value])
                reason = (
                    f"The field {key.value!r} is given twice; its first value is in line {line}."
                )
                self.wrong[line_of(key)] = reason
            elif key.value == MERGE and is_plain(key):
                reason = "Fields are merged (<<) here, which is not read; write them out."
                self.wrong[line_of(key)] = reason
            else:
                first[key.value] = value
        return node

    # Nobody asks for the types that plain values seem to have: a sixth of the time to compose.
    def descend_resolver(self, current_node: Node | None, current_index: int) -> None: ...
    def ascend_resolver(self) -> None: ...
    def resolve(self, kind: type[Node], value: str, implicit: tuple[bool, bool]) -> str:
        return ""


def _refusal(event: Any, depth: int) -> str:
    """Why this is not read; empty if it is."""
    if isinstance(event, yaml.AliasEvent):
        return "The line uses an alias (*name), which is not read here; write the value out."
    if event.tag and event.tag != "!":
        tag = event.tag[:60]
        return f"The line uses the tag {tag}, which is not read here; write a plain value."
    if isinstance(event, yaml.ScalarEvent):
        return "The line holds a NUL character." if "\0" in event.value else ""
    if depth >= MAX_DEPTH:
        levels = f"More than {MAX_DEPTH} levels are nested here"
        return f"{levels}; no object of metal-api is that deep."
    return ""
