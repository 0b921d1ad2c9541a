"""YAML files as trees of plain text with line numbers. Nothing is constructed from tags, nothing is guessed about types.

The parser's events are read one by one, so a bomb of aliases or brackets is refused before it grows.
"""

import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

MAX_BYTES = 32 * 1024 * 1024  # a dump of about two thousand machines with all their hardware
MAX_DEPTH = 20  # metal-api's deepest object, a machine, has nine levels
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was read; document and item count from 1, 0 means the whole file."""

    file: str
    document: int = 0
    item: int = 0
    line: int = 0

    def __str__(self) -> str:
        parts = [self.file]
        parts += [f"document {self.document}"] if self.document else []
        parts += [f"item {self.item}"] if self.item else []
        parts += [f"line {self.line}"] if self.line else []
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a file is not imported: where, which object and field, and the reason as a sentence."""

    place: Place
    reason: str
    object: str = ""
    field: str = ""

    def __str__(self) -> str:
        where = ", ".join(part for part in (str(self.place), self.object, self.field) if part)
        return f"{where}: {self.reason}"


@dataclass(slots=True)
class Scalar:
    """A single value as it is spelled; plain: without quotes."""

    text: str
    plain: bool
    line: int

    @property
    def empty(self) -> bool:
        return self.plain and self.text in _NULLS


@dataclass(slots=True)
class Sequence:
    line: int
    items: list["Node"] = field(default_factory=list)


@dataclass(slots=True)
class Mapping:
    line: int
    entries: dict[str, "Node"] = field(default_factory=dict)


Node = Scalar | Sequence | Mapping


@dataclass(frozen=True, slots=True)
class Document:
    """One object of a file."""

    place: Place
    node: Mapping


class Refused(Exception):
    """The rest of a file cannot be read."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.line = reason, line


def files(paths: Iterable[Path], problems: list[Problem]) -> list[tuple[str, Path]]:
    """The YAML files named, and those in the folders named, each once."""
    found: dict[Path, str] = {}
    for path in paths:
        inside = (
            sorted(p for ending in ("*.yaml", "*.yml") for p in path.rglob(ending))
            if path.is_dir()
            else []
        )
        if path.is_dir() and not inside:
            problems.append(Problem(Place(str(path)), "This folder holds no *.yaml or *.yml file."))
        elif not path.exists():
            problems.append(Problem(Place(str(path)), "There is no such file or folder."))
        for file in inside or ([path] if path.exists() and not path.is_dir() else []):
            found.setdefault(file.resolve(), str(file))
    return [(name, path) for path, name in found.items()]


def read(name: str, path: Path, problems: list[Problem]) -> list[Document]:
    """The objects of one file, its items one by one where a document is a list. What cannot be read becomes a problem."""
    place = Place(name)
    documents: list[Document] = []
    try:
        text = _text(path)
        for number, node in enumerate(_roots(text, place, problems), start=1):
            documents += _objects(node, name, number, problems)
    except Refused as refused:
        problems.append(Problem(Place(name, line=refused.line), refused.reason))
    except yaml.YAMLError as error:
        problems.append(_syntax(name, text, error))
    return documents


def _text(path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Refused("This is not a regular file.")
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Refused(f"The file cannot be read: {error.strerror}.") from error
    if len(raw) > MAX_BYTES:
        raise Refused(
            f"The file has more than {MAX_BYTES // 1024**2} MiB; split it into several files."
        )
    if b"\0" in raw:
        raise Refused("The file is binary or UTF-16; write YAML as UTF-8 text.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Refused("The file is not UTF-8 text; convert it first.", line) from error


def _syntax(name: str, text: str, error: yaml.YAMLError) -> Problem:
    mark, position = getattr(error, "problem_mark", None), getattr(error, "position", None)
    line = (
        mark.line + 1 if mark else text.count("\n", 0, position) + 1 if position is not None else 0
    )
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    lines = text.split("\n")
    spelled = lines[line - 1] if 0 < line <= len(lines) else ""
    if "\t" in spelled[: len(spelled) - len(spelled.lstrip())]:
        return Problem(
            Place(name, line=line), "The line is indented with a tab; YAML is indented with spaces."
        )
    return Problem(Place(name, line=line), f"This is not YAML: {said}.")


def _objects(
    node: Node | None, name: str, number: int, problems: list[Problem]
) -> Iterator[Document]:
    if node is None or (isinstance(node, Scalar) and node.empty):
        return  # nothing between two separators
    listed = isinstance(node, Sequence)
    for item, one in enumerate(node.items if isinstance(node, Sequence) else [node], start=1):
        place = Place(name, number, item if listed else 0, one.line)
        if isinstance(one, Mapping):
            yield Document(place, one)
        else:
            problems.append(Problem(place, "This is not an object with fields."))


def _roots(text: str, place: Place, problems: list[Problem]) -> Iterator[Node | None]:
    """The root of each document, built from the parser's events."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder(place.file, problems)
    for event in yaml.parse(text, Loader=loader):
        builder.take(event)
        if isinstance(event, yaml.DocumentEndEvent):
            yield builder.root


class _Builder:
    """Builds one document after the other."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file, self.problems = file, problems
        self.number = 0
        self.root: Node | None = None
        self.open: list[
            tuple[Sequence | Mapping, str | None]
        ] = []  # with the key that awaits its value

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self.number, self.root, self.open = self.number + 1, None, []
        elif isinstance(event, yaml.AliasEvent):
            raise Refused(
                "The line uses an alias (*name), which is not read here; write the value out.",
                _line(event),
            )
        elif isinstance(event, yaml.CollectionEndEvent):
            self.open.pop()
        elif isinstance(event, yaml.NodeEvent):
            self._add(event)

    def _add(self, event: Any) -> None:
        line = _line(event)
        if event.tag and event.tag != "!":
            raise Refused(
                f"The line uses the tag {event.tag[:60]}, which is not read here; write a plain value.",
                line,
            )
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            if "\0" in event.value:
                raise Refused("The line holds a NUL character.", line)
            node = Scalar(event.value, event.implicit[0], line)
        else:
            node = Mapping(line) if isinstance(event, yaml.MappingStartEvent) else Sequence(line)
        self._place(node)
        if not isinstance(node, Scalar):
            if len(self.open) >= MAX_DEPTH:
                raise Refused(
                    f"More than {MAX_DEPTH} levels are nested here; no object of metal-api is that deep.",
                    line,
                )
            self.open.append((node, None))

    def _place(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        container, key = self.open[-1]
        if isinstance(container, Sequence):
            container.items.append(node)
        elif key is not None:
            container.entries.setdefault(key, node)
            self.open[-1] = (container, None)
        elif isinstance(node, Scalar):
            self._key(container, node)
        else:
            raise Refused(
                "A field's name is a list or object here; names are plain words.", node.line
            )

    def _key(self, container: Mapping, name: Scalar) -> None:
        if name.text in container.entries:
            reason = f"The field {name.text!r} is given twice; its first value is in line {container.entries[name.text].line}."
            self.problems.append(Problem(Place(self.file, self.number, line=name.line), reason))
        self.open[-1] = (container, name.text)


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1
