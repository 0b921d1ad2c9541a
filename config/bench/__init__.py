"""Benchmarks: each figure beside what limits it, measured in the same run. Figures are for comparing, never a test.

A benchmark is a function that yields rows, each a mapping of names to numbers; `BENCHMARKS` names them for `manage.py bench`.
"""

from collections.abc import Callable, Iterable, Mapping

from config.bench import allocating, polling, rendering

Row = Mapping[str, float]
BENCHMARKS: dict[str, Callable[[], Iterable[Row]]] = {
    "render": rendering.render_configurations,
    "allocate": allocating.allocate_over_http,
    "poll": polling.poll_rollouts,
}
