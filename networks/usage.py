"""How full networks are; for a page of them in two queries."""

from collections.abc import Collection
from typing import TypedDict

from networks.common.addressing import Cidr, capacity
from networks.models import Network, Prefix
from networks.pools import counts


class FamilyUsage(TypedDict):
    """How many of the addresses that may be used are used; of a super network, are carved from it.

    `kept_back`: nobody has them, and nobody gets them, for a firewall may still have them (R16).
    """

    used: int
    available: int
    kept_back: int


class PrefixUsage(FamilyUsage):
    free: int


Usage = dict[str, FamilyUsage]  # by family, "4" and "6"
UsageByPrefix = dict[Cidr, PrefixUsage]  # in order of address


def usage_by_prefix(networks: Collection[Network]) -> dict[str, UsageByPrefix]:
    """Used, usable, free and kept back addresses of each prefix, per network id.

    What is free is read where the next one is picked from: the rest is used or kept back.
    """
    pools = {network.pk for network in networks if network.kind == Network.Kind.SUPER}
    by_network: dict[str, UsageByPrefix] = {network.pk: {} for network in networks}
    prefixes = _prefixes(networks)
    found = counts([prefix.pk for prefix in prefixes])
    for prefix in prefixes:
        is_pool, free = prefix.network_id in pools, found.free[prefix.pk]
        available = prefix.cidr.num_addresses if is_pool else capacity(prefix.cidr)
        kept_back = 0 if is_pool else found.kept_back[prefix.pk]
        by_network[prefix.network_id][prefix.cidr] = {
            "used": available - free - kept_back,
            "available": available,
            "kept_back": kept_back,
            "free": free,
        }
    return by_network


def _prefixes(networks: Collection[Network]) -> list[Prefix]:
    """In order of address; of networks that were made just now, they are known."""
    known = [prefix for network in networks for prefix in network.made_prefixes or ()]
    unknown = [network.pk for network in networks if network.made_prefixes is None]
    rows = Prefix.objects.filter(network__in=unknown).order_by("cidr") if unknown else ()
    return [*known, *rows]


def by_family(prefixes: UsageByPrefix) -> Usage:
    """The same, added up by address family."""
    families: Usage = {}
    for cidr, prefix in prefixes.items():
        none: FamilyUsage = {"used": 0, "available": 0, "kept_back": 0}
        family = families.setdefault(str(cidr.version), none)
        family["used"] += prefix["used"]
        family["available"] += prefix["available"]
        family["kept_back"] += prefix["kept_back"]
    return families


def usage(networks: Collection[Network]) -> dict[str, Usage]:
    """Used and usable addresses by family, per network id."""
    return {network: by_family(prefixes) for network, prefixes in usage_by_prefix(networks).items()}
