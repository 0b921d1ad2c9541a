"""Addresses allocated over HTTP, beside a loop that does nothing but insert them."""

from collections.abc import Iterator
from typing import Any

from tests.bench.loads import Trial
from tests.bench.serving import Client, Server, server

TAKEN = (0, 1000, 10_000, 60_000)  # addresses of a /16 that are allocated already
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
    """Yield the rows of `Trial.told`, by how many addresses are taken."""
    trial = Trial("taken", TAKEN, ROUNDS, SECONDS, _allocate, _insert_all, _RELEASE, _VACUUM)
    with server() as running:
        _build(running)
        rounds = trial.measured(running)
    yield from trial.told(rounds)


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


def _insert_all(database: Any, taken: int) -> Iterator[None]:
    """Insert the free addresses one after the other, one a step."""
    for number in range(taken + 1, 2**16 - 1):
        database.execute(_INSERT, [number, _name(taken)])
        yield
