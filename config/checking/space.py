"""Whether the table of free space is right, counted here independently of the database."""

from collections import defaultdict
from collections.abc import Iterator
from ipaddress import ip_network

from django.db import connection

from config.checking.findings import Finding, finding
from config.checking.loading import Stored
from networks.common.addressing import Cidr, contains, free_space, parse_cidr, reserved
from networks.common.violations import named
from networks.models import Address, Carried, Network, Prefix

Blocks = dict[int, list[Cidr]]  # by primary key of their prefix

CURE = "SELECT networks_refill() counts anew (R12, R13)."
_FREE = "SELECT prefix_id, block::text AS spelled FROM networks_free ORDER BY block"


def differences(stored: Stored) -> Iterator[Finding]:
    """Prefixes whose free space is not what addresses and child prefixes leave (R12, R13)."""
    recorded = _recorded_free_space()
    taken = _taken(stored)
    for prefix in stored.complete_rows(Prefix):
        free = free_space([prefix.cidr], taken[prefix.pk])
        in_table = recorded.pop(prefix.pk, [])
        if in_table != free:
            yield _difference(prefix, set(in_table), set(free))
    existing = {prefix.pk for prefix in stored.rows(Prefix)}
    for pk in recorded.keys() - existing:
        yield Finding("free space", str(pk), f"It belongs to no prefix; {CURE}")


def _difference(prefix: Prefix, in_table: set[Cidr], free: set[Cidr]) -> Finding:
    surplus = named(map(str, in_table - free)) or "nothing"
    missing = named(map(str, free - in_table)) or "nothing"
    sentence = f"The table of free space has {surplus} where {missing} is free; {CURE}"
    return finding(prefix, sentence)


def _recorded_free_space() -> Blocks:
    """The free blocks in the table, by prefix."""
    blocks: Blocks = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_FREE)
        for prefix, block in cursor.fetchall():
            blocks[prefix].append(parse_cidr(block))
    return blocks


def _taken(stored: Stored) -> Blocks:
    """What is not free, by prefix: addresses, those that no host may have, and child prefixes."""
    taken: Blocks = defaultdict(list)
    for address in stored.rows(Address):
        taken[address.prefix_id].append(ip_network(address.address))
    _take_carried(stored, taken)
    prefixes = stored.complete_rows(Prefix)
    pools = _pools_by_network(prefixes)
    for prefix in prefixes:
        if prefix.network_id not in pools:
            taken[prefix.pk] += [ip_network(ip) for ip in reserved(prefix.cidr)]
        parent = prefix.network.parent_id or ""
        for pool in pools.get(parent, ()):
            if contains(pool.cidr, prefix.cidr):
                taken[pool.pk].append(prefix.cidr)
    return taken


def _take_carried(stored: Stored, taken: Blocks) -> None:
    """What firewalls may still have, though nobody has it any more."""
    carried = Carried.objects.left().filter(address__isnull=False).order_by()
    addresses = set(carried.values_list("address", flat=True))
    addresses -= {address.address for address in stored.rows(Address)}
    for prefix in stored.complete_rows(Prefix) if addresses else ():
        if prefix.network.kind != Network.Kind.SUPER:
            inside = [ip for ip in addresses if ip and ip in prefix.cidr]
            taken[prefix.pk] += map(ip_network, inside)


def _pools_by_network(prefixes: list[Prefix]) -> dict[str, list[Prefix]]:
    """The prefixes of super networks."""
    pools: dict[str, list[Prefix]] = defaultdict(list)
    for prefix in prefixes:
        if prefix.network.kind == Network.Kind.SUPER:
            pools[prefix.network_id].append(prefix)
    return pools
