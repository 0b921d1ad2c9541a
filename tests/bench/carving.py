"""Child prefixes carved over HTTP, by making networks, beside a loop of bare inserts.

Bare inserts are a network's row and its prefix's, in one transaction, with numbers and prefixes
that nobody has to look for; triggers and constraints are the same.
"""

import time
import uuid
from collections.abc import Iterator
from functools import partial
from itertools import count
from statistics import median
from typing import Any

import redis
from django.conf import settings

from tests.bench.loads import Load, Round, rate
from tests.bench.serving import BROKER, Client, Server, server

THERE = (0, 1000, 5000)  # networks that were carved of the super network before
CLIENTS = (1, 8)
ROUNDS = 3
SECONDS = 2.0  # how long one load is measured
WARM = 50
LAST_VRF = 131_072
_NETWORK = """
INSERT INTO networks_network (
    id, name, description, kind, partition_id, project_id, parent_id, vrf, destination_prefixes,
    default_child_prefix_length, nat, labels, shared, shared_by, shared_reason)
SELECT '{name}-' || number, '{name}', '', 'private', '{pool}', 'bench', '{pool}', {vrf}, '{{}}',
    '{{}}', false, '{{}}', false, '', ''
FROM generate_series(%(first)s::integer, %(last)s::integer) AS number
"""
_PREFIX = """
INSERT INTO networks_prefix (network_id, cidr, child)
SELECT '{name}-' || number,
    network(set_masklen(host(network(pool.cidr))::inet + number * 256::bigint, 24)), true
FROM networks_prefix pool, generate_series(%(first)s::integer, %(last)s::integer) AS number
WHERE pool.network_id = '{pool}'
"""
_FORGET = """
DELETE FROM networks_prefix
WHERE network_id IN (SELECT id FROM networks_network WHERE name = 'new');
DELETE FROM networks_network WHERE name = 'new'
"""
_VACUUM = "VACUUM ANALYZE networks_free, networks_network, networks_prefix, networks_activity"


def carve_over_http() -> Iterator[dict[str, float]]:
    """Yield a row per load: child prefixes per second, and how many times that bare inserts are.

    Then a row per number of clients: the slowest rate over all numbers of networks, in percent of
    the fastest; and how many times reconcile was woken in all.
    """
    with server() as running:
        _build(running)
        rounds = _measured(running)
        woken = _messages()
    rates = {load: median(one.per_second for one in several) for load, several in rounds.items()}
    for there in THERE:
        bare = rates[Load(there, 0)]
        for clients in CLIENTS:
            load = Load(there, clients)
            yield {
                "there": there,
                "clients": clients,
                "per_second": round(rates[load]),
                "bare_inserts_per_second": round(bare),
                "ratio": round(bare / rates[load], 1),
                "web_ms": round(median(one.web_ms for one in rounds[load]), 2),
            }
    for clients in CLIENTS:
        over_all = [rates[Load(there, clients)] for there in THERE]
        slowest = round(100 * min(over_all) / max(over_all))
        yield {"clients": clients, "slowest_of_fastest_percent": slowest, "woken": woken}


def _measured(running: Server) -> dict[Load, list[Round]]:
    rounds: dict[Load, list[Round]] = {}
    with running.psycopg() as database:
        for _ in range(ROUNDS):
            for there in THERE:
                inserts = rate(partial(_insert_all, database, there), 1, SECONDS)
                rounds.setdefault(Load(there, 0), []).append(Round(inserts))
                database.execute(_FORGET)
                for clients in CLIENTS:
                    load = Load(there, clients)
                    rounds.setdefault(load, []).append(_over_http(running, load))
                    database.execute(_FORGET)
                database.execute(_VACUUM)
    return rounds


def _build(running: Server) -> None:
    """A partition for each number of networks, with so many of them."""
    client = running.client()
    client.post("projects/", {"id": "bench", "name": "bench"})
    for number, there in enumerate(THERE):
        pool = _pool(there)
        client.post("partitions/", {"id": pool, "name": pool})
        lengths = {"default_child_prefix_length": {"4": 24}, "prefixes": [f"{10 + number}.0.0.0/8"]}
        client.post("networks/", {"id": pool, "kind": "super", "partition": pool, **lengths})
    with running.psycopg() as database:
        first = 1
        for there in THERE:
            _fill(database, there, first)
            first += there
        for there in THERE:
            client = running.client()
            for _ in range(WARM):
                _carve(client, there)
        database.execute(_FORGET)
        database.execute(_VACUUM)
    broker().flushdb()


def _fill(database: Any, there: int, vrf: int) -> None:
    values = {"first": 0, "last": there - 1}
    names = {"name": f"old-{there}", "pool": _pool(there)}
    database.execute(_NETWORK.format(vrf=f"number + {vrf}", **names), values)
    database.execute(_PREFIX.format(**names), values)


def _insert_all(database: Any, there: int) -> Iterator[None]:
    """Insert one network after the other with the prefix that is next, one a step."""
    names = {"name": "new", "pool": _pool(there)}
    network = _NETWORK.format(vrf=f"{LAST_VRF} - number", **names)
    prefix = _PREFIX.format(**names)
    for number in count(there):
        values = {"first": number, "last": number}
        with database.transaction():
            database.execute(network, values)
            database.execute(prefix, values)
        yield


def _pool(there: int) -> str:
    return f"bench-{there}"


def _carve(client: Client, there: int) -> None:
    network = {"id": f"new-{uuid.uuid4()}", "name": "new", "project": "bench"}
    client.post("networks/", {**network, "partition": _pool(there)})


def _over_http(running: Server, load: Load) -> Round:
    processor = running.processor_seconds()
    began = time.perf_counter()
    per_second = rate(lambda: _carve_on(running.client(), load.taken), load.clients, SECONDS)
    carved = per_second * (time.perf_counter() - began)
    return Round(per_second, 1000 * (running.processor_seconds() - processor) / carved)


def _carve_on(client: Client, there: int) -> Iterator[None]:
    while True:
        _carve(client, there)
        yield


def broker() -> redis.Redis:
    """The broker's database of the benchmarks."""
    url = settings.CELERY_BROKER_URL.replace("redis+socket://", "unix://")
    return redis.Redis.from_url(url, db=BROKER)


def _messages() -> int:
    """How many messages no worker has taken yet; none runs."""
    return int(broker().llen("celery"))
