"""Whether the table of free space says what prefixes and addresses leave: counted here by another library."""

from collections import defaultdict
from collections.abc import Iterator
from ipaddress import ip_network

from django.db import connection

from config.checking.findings import Finding, finding
from config.checking.rows import Stored
from networks.common.addressing import Cidr, contains, free_space, parse_cidr, reserved
from networks.common.violations import named
from networks.models import Address, Network, Prefix

CURE = "SELECT networks_refill() counts anew (R12, R13)."
_FREE = "SELECT prefix_id, block::text AS spelled FROM networks_free ORDER BY block"


def differing(stored: Stored) -> Iterator[Finding]:
    """Prefixes whose free space is not what is left of them (R12, R13)."""
    free, taken = _free(), _taken(stored)
    for prefix in stored.whole(Prefix):
        left = free_space([prefix.cidr], taken[prefix.pk])
        said = free.pop(prefix.pk, [])
        if said != left:
            more, less = (
                named(map(str, set(said) - set(left))) or "nothing",
                named(map(str, set(left) - set(said))) or "nothing",
            )
            yield finding(
                prefix, f"The table of free space has {more} where {less} is free; {CURE}"
            )
    for pk in free.keys() - {prefix.pk for prefix in stored.of(Prefix)}:
        yield Finding("free space", str(pk), f"It belongs to no prefix; {CURE}")


def _free() -> dict[int, list[Cidr]]:
    found: dict[int, list[Cidr]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_FREE)
        for prefix, block in cursor.fetchall():
            found[prefix].append(parse_cidr(block))
    return found


def _taken(stored: Stored) -> dict[int, list[Cidr]]:
    """What is taken out of each prefix: addresses, those that no host may have, and the prefixes carved from it."""
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
