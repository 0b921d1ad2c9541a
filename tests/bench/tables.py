"""Which benchmarks there are; each yields rows, and a row maps names to numbers."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings

from tests.bench import allocating, polling, rendering

Row = Mapping[str, float]
BENCHMARKS: dict[str, Callable[[], Iterable[Row]]] = {
    "render": rendering.render_configurations,
    "allocate": allocating.allocate_over_http,
    "poll": polling.poll_rollouts,
}


def unknown(names: Sequence[str]) -> str:
    """A sentence about names that are no benchmark; empty if all are."""
    strangers = ", ".join(sorted(set(names) - BENCHMARKS.keys()))
    if not strangers:
        return ""
    return f"There is no benchmark {strangers}; there are {', '.join(BENCHMARKS)}."


def measure(names: Sequence[str], write: Callable[[str], object]) -> None:
    """Print one table per benchmark; `bench.json` in VAR keeps the last figures of each."""
    path = settings.VAR / "bench.json"
    results: dict[str, list[Any]] = json.loads(path.read_text()) if path.exists() else {}
    for name in names or BENCHMARKS:
        write(f"\n{name}\n")
        results[name] = []
        for row in BENCHMARKS[name]():
            results[name].append(row)
            write("  " + "  ".join(f"{key} {value:,}" for key, value in row.items()) + "\n")
        path.write_text(json.dumps(results, indent=2))
    write(f"\nwritten to {path}\n")
