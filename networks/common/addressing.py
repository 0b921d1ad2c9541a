"""Address arithmetic as values: what a prefix offers to hosts, and what it never hands out.

RFC 3021 (IPv4 links), RFC 4291 (the subnet-router anycast address), RFC 6164 (IPv6 links).
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from netaddr import IPSet

IP = IPv4Address | IPv6Address
Cidr = IPv4Network | IPv6Network

# The same few thousand are read from the database again and again; they never change.
REMEMBERED = 50_000
known_address = lru_cache(REMEMBERED)(ip_address)
known_network = lru_cache(REMEMBERED)(ip_network)

LENGTH = re.compile("[0-9]{1,3}")
MAPPED_LENGTH = 96  # of ::ffff:0:0/96, where RFC 4291 maps IPv4
# RFC 3021 (IPv4 /31) and RFC 6164 (IPv6 /127) give every address of a link prefix to a host.
LINK_HOST_BITS = 1


def parse_cidr(text: object) -> Cidr:
    """Read a prefix.

    Raises ValueError if it is none, lacks its length or spells it as a mask, has host bits set, or
    is one of IPv4 in the clothes of IPv6.
    """
    spelled = str(text).strip()
    try:
        if "%" in spelled:  # a zone, which Python would accept
            raise ValueError
        prefix = ip_network(spelled, strict=False)
    except ValueError as error:
        raise ValueError(
            f"{spelled!r} is not a prefix such as 10.128.0.0/22 or 2001:db8::/64."
        ) from error
    if problem := _misspelled(spelled, prefix):
        raise ValueError(problem)
    return prefix


def around(text: str) -> Cidr:
    """The prefix that somebody looks for, or the address. Raises ValueError if it is neither."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return parse_cidr(text)
    return parse_cidr(f"{address}/{address.max_prefixlen}")  # refuses a zone


def _misspelled(spelled: str, prefix: Cidr) -> str:
    """Why it is not taken for this prefix, although it could be read as that; empty if it is."""
    address, _, length = spelled.partition("/")
    if not length:
        return f"{spelled} lacks its length; for this one address alone it is {prefix}."
    if not LENGTH.fullmatch(length):
        return f"{spelled} has a mask for its length; the prefix may be {prefix}."
    if ip_address(address) != prefix.network_address:
        return f"{spelled} has host bits set; the prefix is {prefix}."
    mapped = getattr(prefix.network_address, "ipv4_mapped", None)
    if mapped is not None and prefix.prefixlen >= MAPPED_LENGTH:
        return f"{spelled} is one of IPv4; write {mapped}/{prefix.prefixlen - MAPPED_LENGTH}."
    return ""


def first_usable(prefix: Cidr) -> IP:
    """The lowest address a host may have.

    It follows the network address (IPv4) or the subnet-router anycast address (IPv6).
    """
    if _is_link(prefix):
        return prefix.network_address
    return prefix.network_address + 1


def last_usable(prefix: Cidr) -> IP:
    """The highest address a host may have: before the broadcast address (IPv4); IPv6 has none."""
    if isinstance(prefix, IPv4Network) and not _is_link(prefix):
        return prefix.broadcast_address - 1
    return prefix.broadcast_address


def usable(prefix: Cidr, address: IP) -> bool:
    """Whether a host may have this address of this prefix."""
    if address.version != prefix.version:
        return False
    return int(first_usable(prefix)) <= int(address) <= int(last_usable(prefix))


def reserved(prefix: Cidr) -> list[IP]:
    """The addresses of the prefix that no host may have."""
    ends = dict.fromkeys([prefix.network_address, prefix.broadcast_address])
    return [address for address in ends if not usable(prefix, address)]


def capacity(prefix: Cidr) -> int:
    """How many hosts fit into the prefix."""
    return int(last_usable(prefix)) - int(first_usable(prefix)) + 1


def contains(outer: Cidr, inner: Cidr) -> bool:
    """Whether the inner prefix lies inside the outer one; those of two families never do."""
    if isinstance(outer, IPv4Network) and isinstance(inner, IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(outer, IPv6Network) and isinstance(inner, IPv6Network):
        return inner.subnet_of(outer)
    return False


def inner(one: Cidr, other: Cidr) -> Cidr:
    """Of two prefixes that overlap, the one that lies in the other."""
    return one if contains(other, one) else other


def span(cidr: Cidr) -> tuple[int, int]:
    """Its first address as a number, and the one after its last."""
    first = int(cidr.network_address)
    return first, first + cidr.num_addresses


def prefix_of(address: IP, prefixes: Iterable[Cidr]) -> Cidr | None:
    """The prefix the address lies in; None if it lies in none of them."""
    return next((prefix for prefix in prefixes if address in prefix), None)


def free_space(pools: Iterable[Cidr], taken: Iterable[Cidr]) -> list[Cidr]:
    """What is left of the pools, as the fewest prefixes, in order of address."""
    left = IPSet(map(str, pools)) - IPSet(map(str, taken))
    return [ip_network(str(cidr)) for cidr in left.iter_cidrs()]


def versions(prefixes: Iterable[Cidr]) -> list[int]:
    """The address families (4, 6) present, ascending."""
    return sorted({prefix.version for prefix in prefixes})


def _is_link(prefix: Cidr) -> bool:
    return prefix.max_prefixlen - prefix.prefixlen <= LINK_HOST_BITS
