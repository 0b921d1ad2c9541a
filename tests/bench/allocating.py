"""Addresses allocated over HTTP, beside a loop that does nothing but insert them.

Every figure is the median of several rounds. Loads take turns within a round, so that what else the
machine does meanwhile hits all alike.
"""

import time
from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import Any

from tests.bench.loads import Load, Round, rate
from tests.bench.serving import Client, Server, server

TAKEN = (0, 1000, 10_000, 60_000)  # addresses of a /16 that are allocated already
CLIENTS = (1, 8)
ROUNDS = 5
SECONDS = 1.5  # how long one load is measured
WARM = 100  # allocations before anything is measured
_FILL = """
INSERT INTO networks_address (address, prefix_id, project_id, kind, name, description)
SELECT host(network(prefix.cidr) + number::bigint)::inet, prefix.id, 'bench', 'static', '', ''
FROM networks_prefix prefix, generate_series(1, %s) AS number WHERE prefix.network_id = %s
"""
_INSERT = """
INSERT INTO networks_address (address, prefix_id, project_id, kind, name, description)
SELECT host(network(cidr) + %s::bigint)::inet, id, 'bench', 'static', 'bench', ''
FROM networks_prefix WHERE network_id = %s
"""
_RELEASE = "DELETE FROM networks_address WHERE name = 'bench'"
_VACUUM = "VACUUM ANALYZE networks_free, networks_address"


def allocate_over_http() -> Iterator[dict[str, float]]:
    """Yield a row per load: allocations per second, and how many times that bare inserts are.

    Then a row per number of clients: the slowest rate over all numbers of taken addresses, in
    percent of the fastest.
    """
    with server() as running:
        _build(running)
        rounds = _measured(running)
    rates = {load: median(one.per_second for one in several) for load, several in rounds.items()}
    for taken in TAKEN:
        bare = rates[Load(taken, 0)]
        for clients in CLIENTS:
            load = Load(taken, clients)
            yield {
                "taken": taken,
                "clients": clients,
                "per_second": round(rates[load]),
                "bare_inserts_per_second": round(bare),
                "ratio": round(bare / rates[load], 1),
                "web_ms": round(median(one.web_ms for one in rounds[load]), 2),
            }
    for clients in CLIENTS:
        over_all = [rates[Load(taken, clients)] for taken in TAKEN]
        yield {
            "clients": clients,
            "slowest_of_fastest_percent": round(100 * min(over_all) / max(over_all)),
        }


def _measured(running: Server) -> dict[Load, list[Round]]:
    rounds: dict[Load, list[Round]] = {}
    with running.psycopg() as database:
        for _ in range(ROUNDS):
            for taken in TAKEN:
                inserts = rate(partial(_insert_all, database, taken), 1, SECONDS)
                rounds.setdefault(Load(taken, 0), []).append(Round(inserts))
                database.execute(_RELEASE)
                for clients in CLIENTS:
                    load = Load(taken, clients)
                    rounds.setdefault(load, []).append(_over_http(running, load))
                    database.execute(_RELEASE)
    return rounds


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
        database.execute(_RELEASE)
        database.execute(_VACUUM)


def _name(taken: int) -> str:
    return f"bench-{taken}"


def _allocate(client: Client, taken: int) -> None:
    client.post("ip-addresses/", {"network": _name(taken), "project": "bench", "name": "bench"})


def _over_http(running: Server, load: Load) -> Round:
    processor = running.processor_seconds()
    began = time.perf_counter()
    per_second = rate(lambda: _allocate_on(running.client(), load.taken), load.clients, SECONDS)
    allocations = per_second * (time.perf_counter() - began)
    return Round(per_second, 1000 * (running.processor_seconds() - processor) / allocations)


def _allocate_on(client: Client, taken: int) -> Iterator[None]:
    """Allocate one address after the other, one a step."""
    while True:
        _allocate(client, taken)
        yield


def _insert_all(database: Any, taken: int) -> Iterator[None]:
    """Insert the free addresses one after the other, one a step."""
    for number in range(taken + 1, 2**16 - 1):
        database.execute(_INSERT, [number, _name(taken)])
        yield
