"""Child prefixes carved over HTTP, by making networks, beside a loop of bare inserts.

Bare inserts are a network's row and its prefix's, in one transaction, with numbers and prefixes
that nobody has to look for; triggers and constraints are the same.
"""

import uuid
from collections.abc import Iterator
from itertools import count
from typing import Any

import redis
from django.conf import settings

from tests.bench.loads import Trial
from tests.bench.serving import BROKER, Client, Server, server

THERE = (0, 1000, 5000)  # networks that were carved of the super network before
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
    """Yield the rows of `Trial.told`, by how many networks there are.

    With it, how many times reconcile was woken in all.
    """
    trial = Trial("there", THERE, ROUNDS, SECONDS, _carve, _insert_all, _FORGET, _VACUUM)
    with server() as running:
        _build(running)
        rounds = trial.measured(running)
        woken = _messages()
    yield from trial.told(rounds, woken=woken)


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


def broker() -> redis.Redis:
    """The broker's database of the benchmarks."""
    url = settings.CELERY_BROKER_URL.replace("redis+socket://", "unix://")
    return redis.Redis.from_url(url, db=BROKER)


def _messages() -> int:
    """How many messages no worker has taken yet; none runs."""
    return int(broker().llen("celery"))
