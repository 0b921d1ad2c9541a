"""Reading the fields of a document one by one. What was never asked for is unknown; what is wrong becomes a problem."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from config.importer.documents import Mapping, Node, Place, Problem, Scalar, Sequence
from networks.common.addressing import IP, Cidr, parse_cidr

_NUMBER = re.compile(r"-?[0-9]{1,20}\Z")
_FLAGS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass
class Findings:
    """What reading found beside the objects: problems, fields nobody knows, and known fields that are not kept."""

    problems: list[Problem] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Origin:
    """Which object of which document something came from, so that later errors can name their place."""

    place: Place
    label: str  # "network storage-fra"
    node: Mapping

    def problem(self, field: str, reason: str) -> Problem:
        """A problem at the field, `allocation.networks[1].ips`, in the line where it is, or the nearest thing around it."""
        found: Node = self.node
        for step in re.findall(r"[^.\[\]]+", field):
            inner = _inside(found, step)
            if inner is None:
                break
            found = inner
        line = self.place.line if found is self.node else found.line
        return Problem(replace(self.place, line=line), reason, self.label, field)


def _inside(node: Node, step: str) -> Node | None:
    if isinstance(node, Mapping):
        return node.entries.get(step)
    index = int(step) if isinstance(node, Sequence) and step.isdigit() else -1
    return (
        node.items[index] if isinstance(node, Sequence) and 0 <= index < len(node.items) else None
    )


class Fields:
    """One mapping, read field by field."""

    def __init__(self, origin: Origin, findings: Findings, node: Mapping, path: str = "") -> None:
        self.origin, self.findings, self.node, self.path = origin, findings, node, path
        self.asked: set[str] = set()

    def complain(self, name: str, reason: str, line: int = 0) -> None:
        where = replace(self.origin.place, line=line or self.node.line)
        self.findings.problems.append(Problem(where, reason, self.origin.label, self.path + name))

    def _node(self, name: str) -> Node | None:
        self.asked.add(name)
        node = self.node.entries.get(name)
        return None if isinstance(node, Scalar) and node.empty else node

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._node(name) is not None

    def filled(self, name: str) -> bool:
        """Whether the field is there and neither null nor empty."""
        node = self._node(name)
        content = (
            node.entries
            if isinstance(node, Mapping)
            else node.items
            if isinstance(node, Sequence)
            else node
        )
        return bool(content)

    def text(self, name: str, *, required: bool = False) -> str:
        """A text; a number or date counts as it is spelled. Empty if the field is missing or null."""
        node = self._node(name)
        if isinstance(node, Scalar):
            if required and not node.text.strip():
                self.complain(name, "This field must not be empty.", node.line)
            return node.text
        if node is not None:
            self.complain(name, "This must be a text.", node.line)
        elif required:
            self.complain(name, "This field is missing.")
        return ""

    def flag(self, name: str) -> bool | None:
        node = self._node(name)
        if node is None:
            return None
        if isinstance(node, Scalar) and node.plain and node.text in _FLAGS:
            return _FLAGS[node.text]
        self.complain(name, "This must be true or false.", node.line)
        return None

    def number(self, name: str) -> int | None:
        node = self._node(name)
        if node is None:
            return None
        if isinstance(node, Scalar) and node.plain and _NUMBER.match(node.text):
            return int(node.text)
        self.complain(name, "This must be a whole number.", node.line)
        return None

    def texts(self, name: str) -> list[str]:
        return [scalar.text for _, scalar in self._scalars(name)]

    def _scalars(self, name: str) -> Iterator[tuple[str, Scalar]]:
        node = self._node(name)
        if node is not None and not isinstance(node, Sequence):
            self.complain(name, "This must be a list.", node.line)
            return
        for index, item in enumerate(node.items if node else []):
            if isinstance(item, Scalar) and not item.empty:
                yield f"{name}[{index}]", item
            else:
                self.complain(f"{name}[{index}]", "This must be a text.", item.line)

    def cidrs(self, name: str) -> tuple[Cidr, ...]:
        """Prefixes, each canonical."""
        found: list[Cidr] = []
        for label, scalar in self._scalars(name):
            try:
                found.append(parse_cidr(scalar.text))
            except ValueError as error:
                self.complain(label, str(error), scalar.line)
        return tuple(found)

    def addresses(self, name: str) -> tuple[IP, ...]:
        found = [self._address(label, scalar) for label, scalar in self._scalars(name)]
        return tuple(ip for ip in found if ip is not None)

    def address(self, name: str) -> IP | None:
        node = self._node(name)
        if isinstance(node, Scalar):
            return self._address(name, node)
        self.complain(
            name,
            "This field is missing." if node is None else "This must be an address.",
            node.line if node else 0,
        )
        return None

    def _address(self, label: str, scalar: Scalar) -> IP | None:
        try:
            ip = ip_address(scalar.text.strip())
        except ValueError:
            ip = None
        if ip is None or getattr(ip, "scope_id", None):
            self.complain(
                label,
                f"{scalar.text[:60]!r} is not an address such as 10.128.0.7 or 2001:db8::7.",
                scalar.line,
            )
            return None
        return ip

    def pairs(self, name: str) -> dict[str, str]:
        """An object of texts, as labels are."""
        inner = self.inner(name)
        return {} if inner is None else {key: inner.text(key) for key in inner.node.entries}

    def inner(self, name: str) -> "Fields | None":
        node = self._node(name)
        if node is None:
            return None
        if isinstance(node, Mapping):
            return Fields(self.origin, self.findings, node, f"{self.path}{name}.")
        self.complain(name, "This must be an object with fields.", node.line)
        return None

    def inners(self, name: str) -> list["Fields"]:
        node = self._node(name)
        if node is not None and not isinstance(node, Sequence):
            self.complain(name, "This must be a list.", node.line)
            return []
        found = []
        for index, item in enumerate(node.items if node else []):
            if isinstance(item, Mapping):
                found.append(
                    Fields(self.origin, self.findings, item, f"{self.path}{name}[{index}].")
                )
            else:
                self.complain(f"{name}[{index}]", "This must be an object with fields.", item.line)
        return found

    def reference(self, name: str) -> str:
        """The id of the object that metal-api copied into this one; the rest of the copy is not looked at."""
        inner = self.inner(name)
        return inner.text("id", required=True) if inner else ""

    def copies(self, *names: str) -> None:
        """Fields that only repeat what another object says."""
        self.asked.update(names)

    def leave(self, *names: str) -> None:
        """Fields that metal-api has and that are knowingly not kept."""
        for name in names:
            if self.filled(name):
                self.findings.left[re.sub(r"\[\d+\]", "", self.path) + name] += 1

    def done(self) -> None:
        """Note every field that nothing asked for."""
        for name, node in self.node.entries.items():
            if name not in self.asked:
                where = replace(self.origin.place, line=node.line)
                self.findings.unknown.append(f"{where}, {self.origin.label}, {self.path}{name}")
