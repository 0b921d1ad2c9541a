"""The same benchmarks in this checkout and in another one, and how the figures compare.

The two take turns, so that what else the machine does meanwhile hits both alike; and each runs with
its own interpreter, its own servers and its own process, so that the other may be older or need
other packages.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.bench.tables import BENCHMARKS, Benchmark, Row, Write, line

THIS_CHECKOUT = Path(__file__).resolve().parents[2]
Labels = tuple[tuple[str, float | str], ...]
Rounds = Sequence[Sequence[Row]]


@dataclass(frozen=True)
class Checkout:
    """A folder with this project's source; `var` is for its servers and figures alone."""

    folder: Path
    var: Path

    def measure(self, name: str) -> list[Row]:
        """Run one benchmark in a process of its own. Raises SystemExit where it fails."""
        done = subprocess.run(
            self.command(name),
            cwd=self.folder,
            env={**os.environ, "VAR": str(self.var)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{name} failed in {self.folder}:\n{done.stdout[-3000:]}")
        rows: list[Row] = json.loads((self.var / "bench.json").read_text())[name]
        return rows

    def command(self, name: str) -> list[str]:
        """How this checkout runs a benchmark: older ones have a management command for it."""
        if (self.folder / "tests/bench/__main__.py").exists():
            return [self.python, "-m", "tests.bench", name]
        return [self.python, "manage.py", "bench", name]

    @property
    def python(self) -> str:
        """Its own interpreter, which has the packages it was written for; else this one."""
        own = self.folder / ".venv/bin/python"
        return str(own) if own.exists() else sys.executable


@dataclass(frozen=True)
class Figure:
    """A figure of one row: the medians over all rounds, in this checkout and in the other one."""

    labels: Labels
    name: str
    this: float
    other: float

    @property
    def ratio(self) -> float | None:
        """This through the other; None where the other is nothing."""
        return self.this / self.other if self.other else None


def compare(folder: Path, names: Sequence[str], rounds: int, write: Write) -> None:
    """Measure in turns with the checkout in this folder, and print how the figures compare."""
    if not (folder / "manage.py").exists():
        raise SystemExit(f"{folder} is no checkout of this project: it has no manage.py.")
    with TemporaryDirectory(prefix="bench-") as temporary:
        Path(temporary).chmod(0o711)  # PostgreSQL's own user passes through
        this = Checkout(THIS_CHECKOUT, Path(temporary) / "this")
        other = Checkout(folder.resolve(), Path(temporary) / "other")
        verdicts = []
        for name in names:
            write(f"\n{name}, this and the other in turns\n")
            these, others = measure_in_turns(name, rounds, this, other, write)
            figures = matched(BENCHMARKS[name], these, others)
            write(table(figures))
            write(_only_in_one(BENCHMARKS[name], these, others))
            verdicts.append(verdict(name, figures))
    write("\nthis / other: the median of all rows, and the extremes\n" + "".join(verdicts))


def measure_in_turns(
    name: str, rounds: int, this: Checkout, other: Checkout, write: Write
) -> tuple[Rounds, Rounds]:
    """The rows of each round, of this checkout and of the other one."""
    these: list[list[Row]] = []
    others: list[list[Row]] = []
    for number in range(1, rounds + 1):
        for checkout, measured in ((this, these), (other, others)):
            began = time.monotonic()
            measured.append(checkout.measure(name))
            seconds = time.monotonic() - began
            write(f"  round {number} of {rounds}: {checkout.folder} took {seconds:.0f} s\n")
    return these, others


def matched(benchmark: Benchmark, these: Rounds, others: Rounds) -> list[Figure]:
    """The figures that both checkouts have, in the order of this one's rows."""
    here = medians(benchmark, these)
    there = medians(benchmark, others)
    return [
        Figure(labels, name, value, there[labels, name])
        for (labels, name), value in here.items()
        if (labels, name) in there
    ]


def medians(benchmark: Benchmark, rounds: Rounds) -> dict[tuple[Labels, str], float]:
    """The median over the rounds of each figure of each row."""
    values: dict[tuple[Labels, str], list[float]] = {}
    for row in (row for rows in rounds for row in rows):
        labels = tuple((label, row[label]) for label in benchmark.labels if label in row)
        for name, value in row.items():
            if name not in benchmark.labels:
                values.setdefault((labels, name), []).append(float(value))
    return {key: median(several) for key, several in values.items()}


def _only_in_one(benchmark: Benchmark, these: Rounds, others: Rounds) -> str:
    """A line about figures that cannot be compared, for another version does not measure them."""
    different = medians(benchmark, these).keys() ^ medians(benchmark, others).keys()
    names = sorted({name for _, name in different})
    return f"  not for every row in both: {', '.join(names)}\n" if names else ""


def table(figures: Sequence[Figure]) -> str:
    """A line of labels for every row, and below it a line for each of its figures."""
    lines = []
    for labels in dict.fromkeys(figure.labels for figure in figures):
        lines.append(f"  {line(dict(labels))}\n")
        for figure in figures:
            if figure.labels == labels:
                values = f"this {figure.this:>12,.8g}  other {figure.other:>12,.8g}"
                lines.append(f"    {figure.name:<28}{values}  ratio {_shown(figure.ratio)}\n")
    return "".join(lines)


def verdict(name: str, figures: Sequence[Figure]) -> str:
    """One line: the median ratios of the main figure and of the processor's time over all rows."""
    benchmark = BENCHMARKS[name]
    parts = [_ratios(figures, benchmark.main), _ratios(figures, benchmark.processor)]
    return f"  {name}: {', '.join(parts)}\n"


def _ratios(figures: Sequence[Figure], name: str) -> str:
    """The median of a figure's ratios, and between which they are."""
    ratios = [
        figure.ratio for figure in figures if figure.name == name and figure.ratio is not None
    ]
    if not ratios:
        return f"{name} is not in both"
    return f"{name} {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def _shown(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"
