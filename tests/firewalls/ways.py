"""Every way through the applier and every sentence it has, and a copy that tells how it went.

A way is what comes first in a function, after a condition (whether it holds or not), in a loop, or
where an error is caught; and the second half of `and`, `or` and of a conditional expression, which
may never be looked at. All are read from the sources.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

FAULTS = Path(__file__).with_name("faults.py")
SPEAKING = {
    "Failed",
    "Skipped",
    "Refused",
    "remark",
    "failed",
    "complain",
    "say",
    "missing",
    "_broken",
}


class Way(NamedTuple):
    """Where a way begins, and what a person needs to find it."""

    module: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.module}, line {self.line}: {self.text}"


class Sentence(NamedTuple):
    """A text for people: its stretches between what is filled in."""

    where: str
    pieces: tuple[str, ...]

    def is_in(self, text: str) -> bool:
        at = 0
        for piece in self.pieces:
            if (at := text.find(piece, at)) < 0:
                return False
            at += len(piece)
        return True

    def __str__(self) -> str:
        return f"{self.where}: {'…'.join(self.pieces)}"


class Sources:
    """The modules of the applier, taken apart."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        self.ways: list[Way] = []
        self.sentences: list[Sentence] = []
        self.traced: dict[str, str] = {}
        for name, text in sorted(modules.items()):
            tree = ast.parse(text)
            self.sentences += _sentences(name, tree)
            marked = _Marking(name, text.splitlines(), self.ways).visit(tree)
            self.traced[name] = ast.unparse(ast.fix_missing_locations(marked))
        init = self.traced.pop("__init__.py", "")
        self.traced["__init__.py"] = f"{init}\n{FAULTS.read_text()}"


class _Marking(ast.NodeTransformer):
    """Put a mark where each way begins."""

    def __init__(self, module: str, lines: list[str], ways: list[Way]) -> None:
        self.module, self.lines, self.ways = module, lines, ways

    def _mark(self, node: ast.AST, kind: str) -> ast.expr:
        line = getattr(node, "lineno", 0)
        self.ways.append(Way(self.module, line, f"{kind}: {self.lines[line - 1].strip()}"))
        return ast.parse(f"took({len(self.ways) - 1})", mode="eval").body

    def _first(self, body: list[ast.stmt], node: ast.AST, kind: str) -> None:
        at = 1 if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) else 0
        first = node if kind == "otherwise" else body[min(at, len(body) - 1)]
        body.insert(at, ast.Expr(self._mark(first, kind)))

    def visit_Module(self, node: ast.Module) -> ast.AST:
        self.generic_visit(node)
        after = [
            n
            for n, one in enumerate(node.body)
            if isinstance(one, ast.ImportFrom) and one.module == "__future__"
        ]
        if after and self.module != "__init__.py":
            up = "." * (self.module.count("/") + 1)
            node.body.insert(after[0] + 1, ast.parse(f"from {up} import took").body[0])
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        self._first(node.body, node, "called")
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return node
        self.generic_visit(node)
        self._first(node.body, node, "if")
        self._first(node.orelse, node, "otherwise")
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        self.generic_visit(node)
        self._first(node.body, node, "while")
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        self._first(node.body, node, "for")
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        self.generic_visit(node)
        self._first(node.body, node, "caught")
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        node.body, node.orelse = self._marked(node.body), self._marked(node.orelse)
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        node.values[1:] = [self._marked(value) for value in node.values[1:]]
        return node

    def _marked(self, value: ast.expr) -> ast.expr:
        return ast.BoolOp(ast.And(), [self._mark(value, "looked at"), value])


def _sentences(module: str, tree: ast.Module) -> list[Sentence]:
    """What it says to people or writes for others, and whatever else reads like a sentence."""
    silent, spoken = set[int](), set[int]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(
            node
        ):
            silent.add(id(node.body[0].value))  # type: ignore[attr-defined]
        if isinstance(node, ast.JoinedStr):
            silent |= {id(part) for part in node.values}
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", getattr(node.func, "attr", "")) in SPEAKING
        ):
            spoken |= {id(part) for argument in node.args for part in _within(argument)}
    found = []
    for node in ast.walk(tree):
        pieces = _pieces(node)
        text = "…".join(pieces)
        if id(node) in silent or len(re.findall("[A-Za-z]{2,}", text)) < 2:
            continue
        reads = re.fullmatch(r"[A-Z\[…]\S* \S+ .*", text, re.DOTALL)
        if id(node) in spoken or reads:
            line = node.lineno  # type: ignore[attr-defined]
            found.append(Sentence(f"{module}, line {line}", tuple(pieces)))
    return found


def _within(node: ast.AST) -> Iterator[ast.AST]:
    """What a text is put together from, but not the words of another call."""
    yield node
    if not isinstance(node, ast.Call):
        for part in ast.iter_child_nodes(node):
            yield from _within(part)


def _pieces(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if not isinstance(node, ast.JoinedStr):
        return []
    pieces = [""]
    for part in node.values:
        if isinstance(part, ast.Constant):
            pieces[-1] += str(part.value)
        else:
            pieces.append("")
    return pieces
