"""Addresses allocated over HTTP, beside a loop that does nothing but insert them.

Every figure is the median of several rounds, which take turns, so that what else the machine does meanwhile hits all alike.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median
from typing import Any, NamedTuple

from tests.bench.serving import Client, Server, server

TAKEN, CLIENTS = (0, 1000, 10_000, 60_000), (1, 8)
ROUNDS, SECONDS, WARM = 5, 1.5, 100
_FILL = """
INSERT INTO networks_address (address, prefix_id, project_id, kind, name, description)
SELECT host(network(prefix.cidr) + number::bigint)::inet, prefix.id, 'bench', 'static', '', ''
FROM networks_prefix prefix, generate_series(1, %s) AS number WHERE prefix.network_id = %s
"""
_INSERT = """
INSERT INTO networks_address (address, prefix_id, project_id, kind, name, description)
SELECT host(network(cidr) + %s::bigint)::inet, id, 'bench', 'static', 'bench', '' FROM networks_prefix WHERE network_id = %s
"""
_FREE = "DELETE FROM networks_address WHERE name = 'bench'"
_TIDY = "VACUUM ANALYZE networks_free, networks_address"


class Round(NamedTuple):
    """What was measured once: allocations per second, and milliseconds of the web server's processor time for each."""

    per_second: float
    web_ms: float = 0.0


def allocate_over_http() -> Iterator[dict[str, float]]:
    """Allocations per second in a /16 of which so much is taken, by so many clients, and how many times that the bare inserts are."""
    with server() as running:
        _build(running)
        found = _measured(running)
    rates = {what: median(one.per_second for one in rounds) for what, rounds in found.items()}
    for taken in TAKEN:
        for clients in CLIENTS:
            yield {
                "taken": taken,
                "clients": clients,
                "per_second": round(rates[taken, clients]),
                "bare_inserts_per_second": round(rates[taken, 0]),
                "ratio": round(rates[taken, 0] / rates[taken, clients], 1),
                "web_ms": round(median(one.web_ms for one in found[taken, clients]), 2),
            }
    for clients in CLIENTS:
        alike = [rates[taken, clients] for taken in TAKEN]
        yield {
            "clients": clients,
            "slowest_of_fastest_percent": round(100 * min(alike) / max(alike)),
        }


def _measured(running: Server) -> dict[tuple[int, int], list[Round]]:
    """Rounds by what is taken and how many clients there are; no client is the loop of inserts."""
    found: dict[tuple[int, int], list[Round]] = {}
    with running.psycopg() as database:
        for _ in range(ROUNDS):
            for taken in TAKEN:
                found.setdefault((taken, 0), []).append(
                    Round(_rate(partial(_inserts, database, taken), 1))
                )
                database.execute(_FREE)
                for clients in CLIENTS:
                    found.setdefault((taken, clients), []).append(_clients(running, taken, clients))
                    database.execute(_FREE)
    return found


def _build(running: Server) -> None:
    """A partition with a network for each number of addresses taken."""
    client = running.client()
    client.post("partitions/", {"id": "bench", "name": "bench"})
    client.post("projects/", {"id": "bench", "name": "bench"})
    lengths = {"default_child_prefix_length": {"4": 16}, "prefixes": ["10.0.0.0/8"]}
    client.post("networks/", {"id": "super", "kind": "super", "partition": "bench", **lengths})
    for taken in TAKEN:
        client.post("networks/", {"id": _name(taken), "partition": "bench", "project": "bench"})
    with running.psycopg() as database:
        for taken in TAKEN:
            database.execute(_FILL, [taken, _name(taken)])
        for taken in TAKEN:
            client = running.client()
            for _ in range(WARM):
                _allocate(client, taken)
        database.execute(_FREE)
        database.execute(_TIDY)


def _name(taken: int) -> str:
    return f"bench-{taken}"


def _allocate(client: Client, taken: int) -> None:
    client.post("ip-addresses/", {"network": _name(taken), "project": "bench", "name": "bench"})


def _clients(running: Server, taken: int, number: int) -> Round:
    """How many allocations these clients get together."""
    before, began = running.seconds(), time.perf_counter()
    rate = _rate(lambda: _allocations(running.client(), taken), number)
    done = rate * (time.perf_counter() - began)
    return Round(rate, 1000 * (running.seconds() - before) / done)


def _allocations(client: Client, taken: int) -> Iterator[None]:
    while True:
        _allocate(client, taken)
        yield


def _inserts(database: Any, taken: int) -> Iterator[None]:
    for number in range(taken + 1, 2**16 - 1):
        database.execute(_INSERT, [number, _name(taken)])
        yield


def _rate(work: Callable[[], Iterator[None]], workers: int) -> float:
    """How often the workers together did their work, per second, until the time was over."""
    began = time.perf_counter()

    def run() -> int:
        done = 0
        for _ in work():
            done += 1
            if time.perf_counter() - began > SECONDS:
                break
        return done

    with ThreadPoolExecutor(workers) as pool:
        done = sum(future.result() for future in [pool.submit(run) for _ in range(workers)])
    return done / (time.perf_counter() - began)
