"""How plain the code is, in numbers: `python -m tests.counting` (or `make count`) prints them.

Counted over the product's code, without tests and migrations, from its syntax trees, as the
formatter writes it at 88 columns: so other code bases, whatever their width, can be laid beside it.
"""

import ast
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parent.parent
APPS = ("config", "firewalls", "machines", "networks")
COLUMNS, LONGEST_FILE, LONGEST_FUNCTION = 88, 250, 25
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Source:
    """One file of the product."""

    name: str
    text: str

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    @property
    def nodes(self) -> int:
        """How many nodes its syntax tree has."""
        return sum(1 for _ in ast.walk(ast.parse(self.text)))

    def functions(self) -> list[Function]:
        return [node for node in ast.walk(ast.parse(self.text)) if isinstance(node, Function)]


def length(function: Function) -> int:
    """Lines from `def` to the end; decorators do not count, signature and docstring do."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def sources(root: Path = ROOT) -> Iterator[Source]:
    """The product's files that have anything in them."""
    for app in APPS:
        for path in sorted((root / app).rglob("*.py")):
            text = path.read_text()
            if text.strip() and "migrations" not in path.parts:
                yield Source(str(path.relative_to(root)), text)


def reformatted(files: list[Source], columns: int = COLUMNS) -> list[Source]:
    """The same files as the formatter writes them at this width."""
    with tempfile.TemporaryDirectory(prefix="sn-count-") as folder:
        for file in files:
            path = Path(folder) / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.text)
        ruff = Path(sys.executable).with_name("ruff")
        command = [str(ruff), "format", "--quiet", "--isolated", f"--line-length={columns}", folder]
        subprocess.run(command, check=True)
        return list(sources(Path(folder)))


def figures(files: list[Source]) -> dict[str, float]:
    """The figures that `make count` prints, by what they count."""
    functions = [function for file in files for function in file.functions()]
    lengths = [length(function) for function in functions]
    lines = sum(file.lines for file in files)
    long_files = [file for file in files if file.lines > LONGEST_FILE]
    typed = [function for function in functions if function.returns is not None]
    return {
        "files": len(files),
        "lines": lines,
        "functions": len(functions),
        "lines of a function, median": median(lengths),
        "lines of a function, 90th percentile": quantiles(lengths, n=10)[-1],
        f"functions over {LONGEST_FUNCTION} lines": sum(n > LONGEST_FUNCTION for n in lengths),
        f"files over {LONGEST_FILE} lines, %": 100 * len(long_files) / len(files),
        "syntax nodes a line": sum(file.nodes for file in files) / lines,
        "typed returns, %": 100 * len(typed) / len(functions),
    }


def main() -> None:
    files = reformatted(list(sources()))
    for name, figure in figures(files).items():
        print(f"{figure:10,.1f}  {name}")
    for file in sorted(files, key=lambda file: -file.lines):
        if file.lines > LONGEST_FILE:
            print(f"{file.lines:10,}  {file.name}")


if __name__ == "__main__":
    main()
