"""Whether the table of free space agrees with prefixes and addresses, counted by a library."""

from collections import defaultdict
from collections.abc import Iterator
from ipaddress import ip_network

from django.db import connection

from config.checking.findings import Finding, finding
from config.checking.loading import Stored
from networks.common.addressing import Cidr, contains, free_space, parse_cidr, reserved
from networks.common.violations import named
from networks.models import Address, Network, Prefix

CURE = "SELECT networks_refill() counts anew (R12, R13)."
_FREE = "SELECT prefix_id, block::text AS spelled FROM networks_free ORDER BY block"


def differing(stored: Stored) -> Iterator[Finding]:
    """Prefixes whose free space is not what is left of them (R12, R13)."""
    recorded = _recorded()
    taken = _taken(stored)
    for prefix in stored.whole(Prefix):
        counted = free_space([prefix.cidr], taken[prefix.pk])
        in_table = recorded.pop(prefix.pk, [])
        if in_table != counted:
            more = named(map(str, set(in_table) - set(counted))) or "nothing"
            less = named(map(str, set(counted) - set(in_table))) or "nothing"
            sentence = f"The table of free space has {more} where {less} is free; {CURE}"
            yield finding(prefix, sentence)
    for pk in recorded.keys() - {prefix.pk for prefix in stored.of(Prefix)}:
        yield Finding("free space", str(pk), f"It belongs to no prefix; {CURE}")


def _recorded() -> dict[int, list[Cidr]]:
    """The free blocks of each prefix, as the table has them."""
    blocks: dict[int, list[Cidr]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_FREE)
        for prefix, block in cursor.fetchall():
            blocks[prefix].append(parse_cidr(block))
    return blocks


def _taken(stored: Stored) -> dict[int, list[Cidr]]:
    """What is taken out of each prefix: addresses, reserved ones, and prefixes carved from it."""
    taken: dict[int, list[Cidr]] = defaultdict(list)
    for address in stored.of(Address):
        taken[address.prefix_id].append(ip_network(address.address))
    pools: dict[str, list[Prefix]] = defaultdict(list)
    for prefix in stored.whole(Prefix):
        if prefix.network.kind == Network.Kind.SUPER:
            pools[prefix.network_id].append(prefix)
        else:
            taken[prefix.pk] += [ip_network(ip) for ip in reserved(prefix.cidr)]
    for child in stored.whole(Prefix):
        for pool in pools.get(child.network.parent_id or "", ()):
            if contains(pool.cidr, child.cidr):
                taken[pool.pk].append(child.cidr)
    return taken
