"""How full networks are, for a page of them in two queries."""

from collections.abc import Collection
from typing import TypedDict

from networks.common.addressing import Cidr, capacity
from networks.models import Network, Prefix
from networks.pools import free_counts


class FamilyUsage(TypedDict):
    """How many of the addresses that may be used are: of a super network, how many have been carved from it."""

    used: int
    available: int


class PrefixUsage(FamilyUsage):
    free: int


Usage = dict[str, FamilyUsage]  # by family, "4" and "6"
UsageByPrefix = dict[Cidr, PrefixUsage]  # in order of address


def usage_by_prefix(networks: Collection[Network]) -> dict[str, UsageByPrefix]:
    """Used, usable and free addresses of each prefix, per network id. What is free is read where the next one is picked from."""
    pools = {network.pk for network in networks if network.kind == Network.Kind.SUPER}
    found: dict[str, UsageByPrefix] = {network.pk: {} for network in networks}
    prefixes = list(Prefix.objects.filter(network__in=found).order_by("cidr"))
    free = free_counts([prefix.pk for prefix in prefixes])
    for prefix in prefixes:
        available = (
            prefix.cidr.num_addresses if prefix.network_id in pools else capacity(prefix.cidr)
        )
        left = free.get(prefix.pk, 0)
        found[prefix.network_id][prefix.cidr] = {
            "used": available - left,
            "available": available,
            "free": left,
        }
    return found


def by_family(prefixes: UsageByPrefix) -> Usage:
    """The same, added up by address family."""
    found: Usage = {}
    for cidr, one in prefixes.items():
        family = found.setdefault(str(cidr.version), {"used": 0, "available": 0})
        family["used"] += one["used"]
        family["available"] += one["available"]
    return found


def usage(networks: Collection[Network]) -> dict[str, Usage]:
    """Used and usable addresses by family, per network id."""
    return {network: by_family(prefixes) for network, prefixes in usage_by_prefix(networks).items()}
