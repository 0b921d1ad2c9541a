"""The next free one: VRF ids and AS numbers, child prefixes, addresses. Every door picks alike.

Callers run inside a transaction: what is picked is locked until it is used.

The SQL is by hand because the ORM has no words for it. Free space is kept as blocks (buddies:
networks.guards and the migration that made `networks_free`), so the next address is the first
entry of an index, in 0.01 ms with 1,000 addresses taken or with 60,000; read off the gaps between
the addresses, it would take 0.4 ms or 37 ms. tests/networks/test_cost.py counts the pages. Numbers
and ids are searched by functions of the migration `numbers`, one look at an index after the other,
so that they are planned alike whatever a table was like then; tests/networks/test_numbers.py counts
the rows.
"""

from collections import Counter
from itertools import chain, islice
from typing import Any, NamedTuple

from django.db import connection

from networks.common.addressing import IP, Cidr, first_usable, parse_cidr

# metal-stack's pool of integers, from which it also derives 4-byte private AS numbers (RFC 6996).
POOL = range(1, 131073)
ASN_BASE = 4_210_000_000

# Whoever takes one holds an advisory lock on it, so that nobody waits for a number or an id, and a
# failure leaves no hole.
_NEXT_NUMBER = "SELECT networks_next_number(%s, %s, %s)"
_FREE_ID = "SELECT networks_free_id(%s, %s)"

# Each block has at least one.
_NEXT_BLOCKS = """
SELECT block::text AS spelled FROM networks_free WHERE prefix_id = %s ORDER BY block LIMIT %s
"""
_NEXT_ADDRESS = "SELECT host(block) FROM networks_free WHERE prefix_id = %s ORDER BY block LIMIT 1"

# Of the blocks that are large enough the lowest one: the lowest of each length, then of these.
_NEXT_CHILD = """
SELECT host(block) FROM generate_series(masklen(%(pool)s::cidr), %(length)s) AS size, LATERAL (
    SELECT block FROM networks_free
    WHERE prefix_id = %(id)s AND masklen(block) = size ORDER BY block LIMIT 1
) AS lowest ORDER BY block LIMIT 1
"""
# And how many a firewall may still have that nobody has any more; they are off an index, too.
_SIZES = """
SELECT
    prefix_id,
    CASE family(block) WHEN 4 THEN 32 ELSE 128 END - masklen(block) AS bits,
    count(*)
FROM networks_free WHERE prefix_id = ANY(%(prefixes)s) GROUP BY prefix_id, bits
UNION ALL
SELECT prefix.id, NULL, count(DISTINCT carried.address)
FROM networks_prefix prefix JOIN networks_carried carried
    ON carried.left_at IS NOT NULL
    AND carried.address BETWEEN network(prefix.cidr)
    AND set_masklen(broadcast(prefix.cidr), CASE family(prefix.cidr) WHEN 4 THEN 32 ELSE 128 END)
WHERE prefix.id = ANY(%(prefixes)s)
    AND NOT EXISTS (SELECT FROM networks_address WHERE address = carried.address)
GROUP BY prefix.id
"""
# The text has a name of its own, or ORDER BY would sort texts.
_FREE = """
SELECT block::text AS spelled FROM networks_free WHERE prefix_id = ANY(%s) ORDER BY block
"""


def next_number(pool: str, first: int, last: int) -> int | None:
    """The lowest number from first to last that is free in the pool; None if all are taken.

    `pool`: "vrf" or "asn". One that somebody else is about to take counts as taken.
    """
    number: int | None = _one(_NEXT_NUMBER, [pool, first, last])
    return number


def free_id(kind: str, base: str) -> str:
    """The id itself if it is free, else a free one like it with a number: `shop-2`.

    `kind`: "network", "partition" or "project". One that somebody else is about to take is not
    free. The number need not be the lowest.
    """
    id: str = _one(_FREE_ID, [kind, base])
    return id


def next_address(prefix: int, cidr: Cidr) -> IP | None:
    """The lowest free address of the prefix, which the caller has locked; None if it is full."""
    address = _one(_NEXT_ADDRESS, [prefix])
    return type(first_usable(cidr))(address) if address else None


def next_addresses(prefix: int, cidr: Cidr, count: int) -> list[IP]:
    """So many of the lowest free addresses of the prefix, or all there are, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_BLOCKS, [prefix, count])
        blocks = [parse_cidr(block) for (block,) in cursor.fetchall()]
    return list(islice(chain.from_iterable(blocks), count))


def next_child(prefix: int, pool: Cidr, length: int) -> Cidr | None:
    """The lowest free prefix of that length inside the super network's prefix; None if none fits.

    The caller has locked the super network's prefix.
    """
    if not pool.prefixlen <= length <= pool.max_prefixlen:
        return None
    address = _one(_NEXT_CHILD, {"id": prefix, "pool": str(pool), "length": length})
    return parse_cidr(f"{address}/{length}") if address else None


def free_blocks(prefixes: list[int]) -> list[Cidr]:
    """What is free in these prefixes, as the fewest blocks, in order of address."""
    with connection.cursor() as cursor:
        cursor.execute(_FREE, [prefixes])
        return [parse_cidr(block) for (block,) in cursor.fetchall()]


class Counts(NamedTuple):
    """How many addresses are free in each prefix, and how many are kept back (R16)."""

    free: Counter[int]
    kept_back: Counter[int]


def counts(prefixes: list[int]) -> Counts:
    """Of these prefixes, in one query."""
    found = Counts(Counter(), Counter())
    with connection.cursor() as cursor:
        cursor.execute(_SIZES, {"prefixes": prefixes})
        for prefix, bits, number in cursor.fetchall():
            if bits is None:
                found.kept_back[prefix] = number
            else:
                found.free[prefix] += number << bits
    return found


def _one(query: str, values: Any) -> Any:
    """The first column of the first row; None without one."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        row = cursor.fetchone()
    return row[0] if row else None
