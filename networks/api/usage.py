"""How full networks are, as REST shows it."""

from collections.abc import Sequence
from typing import Any, cast

from rest_framework import serializers

from networks.models import Network
from networks.usage import UsageByPrefix, usage_by_prefix


class UsageOfFamily(serializers.Serializer[Any]):
    used = serializers.IntegerField()
    available = serializers.IntegerField()
    kept_back = serializers.IntegerField(
        help_text="Nobody has them, and nobody gets them while a firewall may still have them."
    )


class UsageOfPrefix(UsageOfFamily):
    free = serializers.IntegerField(help_text="All but the used and the kept back.")


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
