"""The prefixes of a network, as REST writes and changes them."""

from collections.abc import Sequence
from typing import Any

from networks.allocation import grow
from networks.api.lengths import Lengths
from networks.common.addressing import Cidr
from networks.common.api.bodies import Body, TextList
from networks.common.api.fields import CidrText
from networks.common.validation import refuse, reported_on
from networks.common.violations import Violation
from networks.models import Network

# Where one prefix of several is refused, the list's field is at fault.
ON_PREFIXES = {"cidr": "prefixes", "prefix": "prefixes"}


class Prefixes(TextList):
    """A network's prefixes as texts, sorted."""

    child = CidrText()

    def get_attribute(self, instance: Network) -> list[Cidr]:
        return [prefix.cidr for prefix in instance.all_prefixes()]


class GrowthSerializer(Body[Any]):
    """One more prefix: this one, or the next free one of these lengths."""

    prefix = CidrText(required=False)
    prefix_length = Lengths(required=False)


def grow_by(network: Network, data: Any) -> None:
    """Give the network the prefixes that a GrowthSerializer reads from this body."""
    growth = GrowthSerializer(data=data)
    growth.is_valid(raise_exception=True)
    lengths = growth.validated_data.get("prefix_length")
    if lengths and "prefix" in growth.validated_data:
        reason = "Give either a prefix, or the lengths of the next free ones."
        refuse(Violation("prefix_length", "either_or", reason))
    with reported_on(cidr="prefix"):
        if not lengths:
            grow(network, prefix=growth.validated_data.get("prefix"))
            return
        for version, length in sorted(lengths.items()):
            grow(network, prefix_length=length, version=version)


def replace_prefixes(network: Network, cidrs: Sequence[Cidr]) -> None:
    """Let the network have these prefixes. Raises InUse if one that goes has addresses (R15)."""
    rows = {prefix.cidr: prefix for prefix in network.prefixes.all()}
    with reported_on(**ON_PREFIXES):
        for cidr in rows.keys() - set(cidrs):
            rows[cidr].delete()
        for cidr in dict.fromkeys(cidrs):
            if cidr not in rows:
                grow(network, prefix=cidr)
