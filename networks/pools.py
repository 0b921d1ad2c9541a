"""The next free one: VRF ids and AS numbers, child prefixes, addresses. One place, so that every door picks alike.

Callers run inside a transaction: what is picked is locked until it is taken.
"""

import zlib

from django.db import connection, models

from networks.addressing import IP, Cidr, first_usable, last_usable, parse_cidr
from networks.models import Network, Prefix

# metal-stack's integer pool, from which it also derives 4-byte private AS numbers (RFC 6996).
POOL = range(1, 131073)
ASN_BASE = 4_210_000_000

_NEXT_NUMBER = """
SELECT candidate FROM (SELECT %(first)s::bigint AS candidate
    UNION ALL SELECT {column}::bigint + 1 FROM {table} WHERE {column} BETWEEN %(first)s AND %(last)s) AS candidates
WHERE candidate <= %(last)s AND NOT EXISTS (SELECT 1 FROM {table} WHERE {column} = candidate)
ORDER BY candidate LIMIT 1
"""

_NEXT_ADDRESS = """
SELECT host(candidate) AS spelled FROM (SELECT %(first)s::inet AS candidate
    UNION ALL SELECT address + 1 FROM networks_address
    WHERE prefix_id = %(prefix)s AND address >= %(first)s::inet AND address < %(last)s::inet)
    AS candidates
WHERE NOT EXISTS (SELECT 1 FROM networks_address WHERE address = candidate)
ORDER BY candidate LIMIT 1
"""

# A candidate begins at the pool's first address or right after a taken child, rounded up to a whole prefix.
_NEXT_CHILD = """
WITH ends AS (
    SELECT broadcast(cidr) AS last FROM networks_prefix
    WHERE child AND cidr << %(pool)s::inet AND host(broadcast(cidr))::inet < host(broadcast(%(pool)s::inet))::inet
), candidates AS (
    SELECT set_masklen(%(pool)s::cidr, %(length)s) AS candidate
    UNION SELECT CASE
        WHEN host(network(set_masklen(last + 1, %(length)s)))::inet = host(last + 1)::inet
            THEN network(set_masklen(last + 1, %(length)s))
        WHEN host(broadcast(set_masklen(last + 1, %(length)s)))::inet < host(broadcast(%(pool)s::inet))::inet
            THEN network(set_masklen(broadcast(set_masklen(last + 1, %(length)s)) + 1, %(length)s))
        END FROM ends
)
SELECT candidate::text AS spelled FROM candidates
WHERE candidate <<= %(pool)s::inet AND NOT EXISTS (SELECT 1 FROM networks_prefix WHERE child AND cidr && candidate::inet)
ORDER BY candidate LIMIT 1
"""


def next_number(model: type[models.Model], field: str, first: int, last: int) -> int | None:
    """The lowest number of the range that no row has in that column; None if all are taken."""
    table, column = model._meta.db_table, model._meta.get_field(field).column  # type: ignore[union-attr]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [zlib.crc32(f"{table}.{column}".encode())])
        cursor.execute(_NEXT_NUMBER.format(table=table, column=column), {"first": first, "last": last})
        row = cursor.fetchone()
    return row[0] if row else None


def next_vrf() -> int | None:
    """The lowest free VRF id of the pool (R14)."""
    return next_number(Network, "vrf", POOL[0], POOL[-1])


def next_address(prefix: Prefix) -> IP | None:
    """The lowest free address of the prefix; None if it is full. The caller locks the prefix."""
    first, last = first_usable(prefix.cidr), last_usable(prefix.cidr)
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_ADDRESS, {"prefix": prefix.pk, "first": str(first), "last": str(last)})
        row = cursor.fetchone()
    return type(first)(row[0]) if row else None


def next_child(pool: Cidr, length: int) -> Cidr | None:
    """The lowest free prefix of that length inside the pool; None if none fits. The caller locks the super network."""
    if not pool.prefixlen <= length <= pool.max_prefixlen:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_CHILD, {"pool": str(pool), "length": length})
        row = cursor.fetchone()
    return parse_cidr(row[0]) if row else None
