"""How full networks are, as REST shows it."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from rest_framework import serializers

from networks.models import Network
from networks.usage import UsageByPrefix, usage_by_prefix

# Beyond it, what reads a JSON number as a double no longer tells one from the next (RFC 8259, 6).
LARGEST_NUMBER = 2**53 - 1
EXACT = "The same as a text of digits, which no size rounds."


class UsageOfFamily(serializers.Serializer[Any]):
    """How many addresses are used; of 2^53 and more, as IPv6 has them, the number is 2^53 - 1."""

    used = serializers.IntegerField(max_value=LARGEST_NUMBER)
    available = serializers.IntegerField(max_value=LARGEST_NUMBER)
    kept_back = serializers.IntegerField(
        max_value=LARGEST_NUMBER,
        help_text="Nobody has them, and nobody gets them while a firewall may still have them.",
    )
    used_exact = serializers.CharField(help_text=EXACT)
    available_exact = serializers.CharField(help_text=EXACT)
    kept_back_exact = serializers.CharField(help_text=EXACT)


class UsageOfPrefix(UsageOfFamily):
    free = serializers.IntegerField(
        max_value=LARGEST_NUMBER, help_text="All but the used and the kept back."
    )
    free_exact = serializers.CharField(help_text=EXACT)


def shown(counts: Mapping[str, Any]) -> dict[str, int | str]:
    """Counts as numbers that every reader can hold, and as texts."""
    numbers = {name: min(count, LARGEST_NUMBER) for name, count in counts.items()}
    return numbers | {f"{name}_exact": str(count) for name, count in counts.items()}


class NetworkListSerializer(serializers.ListSerializer[Network]):
    """A page of networks: how full they are is queried once for all of them."""

    def to_representation(self, data: Any) -> Any:
        rows: Sequence[Network] = list(data)
        cast(dict[str, Any], self.context)["usage"] = usage_by_prefix(rows)
        return super().to_representation(rows)


def usage_of(network: Network, context: dict[str, Any]) -> UsageByPrefix:
    """What the list has read for all of its networks, or else what is read now for this one."""
    by_network: dict[str, UsageByPrefix] = context.setdefault("usage", {})
    if network.pk not in by_network:
        by_network |= usage_by_prefix([network])
    return by_network[network.pk]
