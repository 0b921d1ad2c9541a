"""How full networks are, for a page of them in a constant number of queries."""

from collections.abc import Collection
from typing import TypedDict

from django.db.models import Count

from networks.addressing import capacity
from networks.models import Network, Prefix


class FamilyUsage(TypedDict):
    used: int
    available: int


Usage = dict[str, FamilyUsage]  # by family, "4" and "6"


def usage(networks: Collection[Network]) -> dict[str, Usage]:
    """Used and usable addresses by family, per network id; of a super network, the space carved from it."""
    supers = [network.pk for network in networks if network.kind == Network.Kind.SUPER]
    others = [network.pk for network in networks if network.kind != Network.Kind.SUPER]
    result: dict[str, Usage] = {network.pk: {} for network in networks}
    for prefix in Prefix.objects.filter(network__in=others).annotate(used=Count("addresses")):
        _add(result[prefix.network_id], prefix.cidr.version, used=prefix.used, available=capacity(prefix.cidr))
    for pool in Prefix.objects.filter(network__in=supers):
        _add(result[pool.network_id], pool.cidr.version, used=0, available=pool.cidr.num_addresses)
    for child in Prefix.objects.filter(network__parent__in=supers).select_related("network"):
        _add(result[child.network.parent_id or ""], child.cidr.version, used=child.cidr.num_addresses, available=0)
    return result


def _add(target: Usage, version: int, *, used: int, available: int) -> None:
    family = target.setdefault(str(version), {"used": 0, "available": 0})
    family["used"] += used
    family["available"] += available
