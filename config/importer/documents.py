"""The objects of a YAML file, one by one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from yaml import Node, SequenceNode

from config.importer.files import Unreadable, text_of
from config.importer.findings import Place, Problem
from config.importer.nodes import Root, is_null, line_of, roots


@dataclass(frozen=True, slots=True)
class Document:
    """What should be one object of a file, and what is wrong in its lines, by line."""

    place: Place
    node: Node
    wrong: Mapping[int, str]


def read(name: str, path: Path, problems: list[Problem]) -> Iterator[Document]:
    """The objects of a file, also those in lists.

    From where on it cannot be read, it becomes a problem: nobody knows what it holds there.
    """
    text = ""
    try:
        text = text_of(path)
        for number, root in enumerate(roots(text), start=1):
            yield from _objects(Place(name, number), root)
    except Unreadable as error:
        problems.append(Problem(Place(name, line=error.line), error.reason))
    except yaml.YAMLError as error:
        problems.append(_syntax_problem(name, text, error))


def _objects(document: Place, root: Root) -> Iterator[Document]:
    if is_null(root.node):
        return  # nothing between two separators
    is_list = isinstance(root.node, SequenceNode)
    nodes = root.node.value if is_list else [root.node]
    for number, node in enumerate(nodes, start=1):
        item = number if is_list else 0
        place = Place(document.file, document.document, item, line_of(node))
        yield Document(place, node, _inside(node, root.wrong))


def _inside(node: Node, wrong: Mapping[int, str]) -> dict[int, str]:
    last: int = node.end_mark.line + 1
    return {line: reason for line, reason in wrong.items() if line_of(node) <= line <= last}


def _syntax_problem(name: str, text: str, error: yaml.YAMLError) -> Problem:
    place = Place(name, line=_line_of_error(text, error))
    lines = text.split("\n")
    line = lines[place.line - 1] if 0 < place.line <= len(lines) else ""
    indentation = line[: len(line) - len(line.lstrip())]
    if "\t" in indentation:
        return Problem(place, "The line is indented with a tab; YAML is indented with spaces.")
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return Problem(place, f"This is not YAML: {reason}.")


def _line_of_error(text: str, error: yaml.YAMLError) -> int:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return int(mark.line) + 1
    position = getattr(error, "position", None)  # of a character that YAML does not allow
    return 0 if position is None else text.count("\n", 0, position) + 1
