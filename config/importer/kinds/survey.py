"""What an object has beside the values that are read: where they stand, and all other fields."""

import re
from collections import Counter
from dataclasses import dataclass, field

from yaml import MappingNode, Node, ScalarNode

from config.importer.kinds.shape import Reference, Shape
from config.importer.nodes import is_null, line_of


@dataclass
class Survey:
    """What an object has beside values: the lines of its fields, and the fields that are not read.

    Kept instead of the nodes, which are most of what a dump takes in memory.
    """

    lines: dict[str, int] = field(default_factory=dict)  # by path, `allocation.networks[1].ips`
    not_kept: Counter[str] = field(default_factory=Counter)  # by path without indices
    unknown: dict[str, int] = field(default_factory=dict)

    def visit(self, shape: Shape, node: MappingNode, path: str = "") -> None:
        attributes = shape.attributes()
        for key, value in node.value:
            name = key.value
            if name in attributes:
                self.lines[path + name] = line_of(value)
                self._visit_value(getattr(shape, attributes[name]), value, path + name)
            elif name in shape.NOT_KEPT:
                if _is_filled(value):
                    self.not_kept[_without_indices(path) + name] += 1
            elif name not in shape.REPEATED:
                self.unknown[path + name] = line_of(value)

    def _visit_value(self, value: object, node: Node, path: str) -> None:
        if isinstance(value, Shape) and not isinstance(value, Reference):
            assert isinstance(node, MappingNode)
            self.lines[path] = line_of(node)
            self.visit(value, node, f"{path}.")
        elif isinstance(value, list):
            # A list that is null has no items.
            for index, (item, inner) in enumerate(zip(value, node.value, strict=False)):
                self._visit_value(item, inner, f"{path}[{index}]")

    def line_of(self, path: str) -> int:
        """The line of a field, or of the nearest thing around it; 0 for the object as a whole."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path, 0)


def _without_indices(path: str) -> str:
    return re.sub(r"\[\d+\]", "", path)


def _is_filled(node: Node) -> bool:
    """Whether it is neither null nor empty."""
    if isinstance(node, ScalarNode):
        return not is_null(node)
    return bool(node.value)
