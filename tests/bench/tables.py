"""Which benchmarks there are, and how their figures are printed and kept."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from tests.bench import (
    allocating,
    asking,
    auditing,
    carving,
    foreseeing,
    importing,
    judging,
    knocking,
    paging,
    polling,
    reconciling,
    rendering,
)

Row = Mapping[str, float | str]
Write = Callable[[str], object]


@dataclass(frozen=True)
class Benchmark:
    """A measurement that yields rows of named numbers.

    `labels` are the columns that say which row it is, such as the number of clients; all others are
    figures. `main` is the one to judge by, and `processor` is the processor's time, which depends
    less on what else the machine does.
    """

    rows: Callable[[], Iterator[Row]]
    labels: tuple[str, ...]
    main: str
    processor: str


BENCHMARKS = {
    "render": Benchmark(
        rendering.render_configurations,
        labels=("firewalls",),
        main="per_second",
        processor="core_seconds",
    ),
    "allocate": Benchmark(
        allocating.allocate_over_http,
        labels=("taken", "clients"),
        main="per_second",
        processor="web_ms",
    ),
    "carve": Benchmark(
        carving.carve_over_http,
        labels=("there", "clients"),
        main="per_second",
        processor="web_ms",
    ),
    "reconcile": Benchmark(
        reconciling.reconcile,
        labels=("firewalls", "changed"),
        main="seconds",
        processor="core_seconds",
    ),
    "second-family": Benchmark(
        reconciling.give_second_family,
        labels=("machines",),
        main="seconds",
        processor="core_seconds",
    ),
    "import": Benchmark(
        importing.import_dumps,
        labels=("objects", "again"),
        main="seconds",
        processor="core_seconds",
    ),
    "reach": Benchmark(
        asking.ask_reachability,
        labels=("kind", "questions"),
        main="whole_ms",
        processor="answer_ms",
    ),
    "laws": Benchmark(
        judging.judge_by_laws,
        labels=("kind", "laws"),
        main="judge_ms",
        processor="judge_ms",
    ),
    "audit": Benchmark(
        auditing.audit_partition,
        labels=("firewalls", "applied"),
        main="whole_ms",
        processor="core_ms",
    ),
    "foresee": Benchmark(
        foreseeing.foresee,
        labels=("what", "size"),
        main="whole_ms",
        processor="core_ms",
    ),
    "poll": Benchmark(
        polling.poll_rollouts,
        labels=("pushes", "polls"),
        main="median_ms",
        processor="web_ms",
    ),
    "pages": Benchmark(
        paging.open_pages,
        labels=("demo", "page"),
        main="median_ms",
        processor="queries",
    ),
    "knock": Benchmark(
        knocking.knock_and_ask,
        labels=("knockers", "passwords"),
        main="ratio",
        processor="looked_at",
    ),
}


def unknown(names: Sequence[str]) -> str:
    """A sentence about names that are no benchmark; empty if all are."""
    strangers = sorted(set(names) - BENCHMARKS.keys())
    if not strangers:
        return ""
    return f"There is no benchmark {', '.join(strangers)}; there are {', '.join(BENCHMARKS)}."


def measure(names: Sequence[str], write: Write) -> None:
    """Print one table per benchmark; `bench.json` in VAR keeps the last figures of each."""
    path = settings.VAR / "bench.json"
    results: dict[str, list[Any]] = json.loads(path.read_text()) if path.exists() else {}
    for name in names or BENCHMARKS:
        write(f"\n{name}\n")
        results[name] = []
        for row in BENCHMARKS[name].rows():
            results[name].append(row)
            write(f"  {line(row)}\n")
        path.write_text(json.dumps(results, indent=2))
    write(f"\nwritten to {path}\n")


def line(row: Row) -> str:
    """A row as text: each name with its number."""
    return "  ".join(f"{name} {_told(value)}" for name, value in row.items())


def _told(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,}"
