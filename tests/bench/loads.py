"""How many of something are made per second over HTTP, by one client or several at once, beside a
loop of bare inserts of the same.

Every figure is the median of several rounds. Loads take turns within a round, so that what else the
machine does meanwhile hits all alike.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any, NamedTuple

from tests.bench.serving import Client, Server

CLIENTS = (1, 8)


class Load(NamedTuple):
    """So many are there already, so many clients make more; 0 clients are bare inserts."""

    there: int
    clients: int


class Round(NamedTuple):
    """One measurement: how many per second, and the processor time for each.

    Of the web server, and of PostgreSQL where it runs on this machine.
    """

    per_second: float
    web_ms: float = 0.0
    database_ms: float = 0.0


Rounds = Mapping[Load, Sequence[Round]]


@dataclass(frozen=True)
class Trial:
    """What is made, at several sizes of what is there already.

    `label` is what a row calls the size. `make` makes one over HTTP, `insert` one a step with bare
    SQL. `forget` removes what either has made; `tidy` follows once a size is through.
    """

    label: str
    sizes: Sequence[int]
    rounds: int
    seconds: float  # how long one load is measured
    make: Callable[[Client, int], object]
    insert: Callable[[Any, int], Iterator[None]]
    forget: str
    tidy: str

    def measured(self, running: Server) -> Rounds:
        rounds: dict[Load, list[Round]] = {}
        with running.psycopg() as database:
            for _ in range(self.rounds):
                for there in self.sizes:
                    inserts = rate(partial(self.insert, database, there), 1, self.seconds)
                    rounds.setdefault(Load(there, 0), []).append(Round(inserts))
                    database.execute(self.forget)
                    for clients in CLIENTS:
                        load = Load(there, clients)
                        rounds.setdefault(load, []).append(self._over_http(running, load))
                        database.execute(self.forget)
                    database.execute(self.tidy)
        return rounds

    def _over_http(self, running: Server, load: Load) -> Round:
        web, database = running.processor_seconds(), running.database_seconds()
        began = time.perf_counter()
        work = partial(self._make_all, running, load.there)
        per_second = rate(work, load.clients, self.seconds)
        made = per_second * (time.perf_counter() - began)
        return Round(
            per_second,
            1000 * (running.processor_seconds() - web) / made,
            1000 * (running.database_seconds() - database) / made,
        )

    def _make_all(self, running: Server, there: int) -> Iterator[None]:
        """Make one after the other, one a step."""
        client = running.client()
        while True:
            self.make(client, there)
            yield

    def told(self, rounds: Rounds, **in_all: float) -> Iterator[dict[str, float]]:
        """A row per load: how many per second, and how many times that bare inserts are.

        Then a row per number of clients: the slowest rate over all sizes, in percent of the
        fastest, and what counts `in_all`.
        """
        rates = {load: median(one.per_second for one in rounds[load]) for load in rounds}
        for there in self.sizes:
            bare = rates[Load(there, 0)]
            for clients in CLIENTS:
                load = Load(there, clients)
                yield {
                    self.label: there,
                    "clients": clients,
                    "per_second": round(rates[load]),
                    "bare_inserts_per_second": round(bare),
                    "ratio": round(bare / rates[load], 1),
                    "web_ms": round(median(one.web_ms for one in rounds[load]), 2),
                    "database_ms": round(median(one.database_ms for one in rounds[load]), 2),
                }
        for clients in CLIENTS:
            over_all = [rates[Load(there, clients)] for there in self.sizes]
            slowest = round(100 * min(over_all) / max(over_all))
            yield {"clients": clients, "slowest_of_fastest_percent": slowest, **in_all}


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
