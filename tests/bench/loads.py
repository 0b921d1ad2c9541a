"""How many steps of some work are done per second, by one or by several at once."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple


class Load(NamedTuple):
    """So many are taken, so many clients take more; 0 clients are bare inserts."""

    taken: int
    clients: int


class Round(NamedTuple):
    """One measurement: how many per second, and the web server's processor time for each."""

    per_second: float
    web_ms: float = 0.0


def rate(work: Callable[[], Iterator[None]], workers: int, seconds: float) -> float:
    """How many steps of the work the workers make together per second, for so many seconds."""
    began = time.perf_counter()

    def run() -> int:
        steps = 0
        for _ in work():
            steps += 1
            if time.perf_counter() - began > seconds:
                break
        return steps

    with ThreadPoolExecutor(workers) as pool:
        running = [pool.submit(run) for _ in range(workers)]
        steps = sum(future.result() for future in running)
    return steps / (time.perf_counter() - began)
