"""What a request for a rollout says: which firewalls, in which waves, and how many may fail."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from firewalls.api.waves import Waves
from firewalls.models import Firewall
from firewalls.models.rollout import MOST_AT_ONCE
from firewalls.models.start import Start
from firewalls.pushing.asking import Wish
from firewalls.pushing.rollouts import MOST
from networks.common.api.bodies import Body, TextList
from networks.common.api.fields import RelatedId
from networks.common.fields import one_line
from networks.models import Network, Partition


class ChoiceSerializer(Body[Any]):
    """Firewalls of a partition, those that live in a network or joined it, or both together."""

    partition = RelatedId(queryset=Partition.objects.all(), required=False)
    network = RelatedId(queryset=Network.objects.all(), required=False)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if data == {}:
            raise serializers.ValidationError(
                "An empty filter would mean every firewall there is;"
                " give a partition or a network.",
                "empty",
            )
        filters: dict[str, Any] = super().to_internal_value(data)
        return filters


class RolloutRequestSerializer(Body[Any]):
    """Firewalls by id, or a filter, also in their place: `{"firewalls": {"partition": "fra"}}`."""

    firewalls = TextList(child=serializers.UUIDField(), required=False, max_length=MOST)
    filter = ChoiceSerializer(required=False)
    waves = Waves(required=False, help_text="Sizes in order, such as [1, '10%', 'rest'].")
    max_failures = serializers.IntegerField(
        required=False, min_value=0, max_value=2**31 - 1, help_text="One more stops the rollout."
    )
    at_once = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MOST_AT_ONCE,
        help_text="So many of its pushes are under way at a time; without it, whole waves.",
    )
    start = serializers.ChoiceField(
        choices=[one for one in Start.choices if one[0]],
        required=False,
        help_text="Also outside of a maintenance window, or in one also where that is for automatic"
        " pushes only.",
    )
    reason = serializers.CharField(
        required=False, allow_blank=True, max_length=400, help_text="Why it starts now."
    )
    cause = serializers.CharField(required=False, max_length=400, validators=[one_line])

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if _has_a_filter_for_firewalls(data):
            data = {**data, "filter": data["firewalls"]}
            del data["firewalls"]
        body: dict[str, Any] = super().to_internal_value(data)
        return body

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("firewalls" in attrs) == ("filter" in attrs):
            reason = serializers.ErrorDetail("Give either firewalls or a filter.", "either_or")
            raise serializers.ValidationError({"firewalls": reason})
        return attrs

    def wish(self) -> Wish:
        """When its pushes start, and why then."""
        body = self.validated_data
        return Wish(start=body.get("start", ""), reason=body.get("reason", ""))

    def chosen(self) -> tuple[list[Firewall], str]:
        """The firewalls that are meant, and in words which these are. Raises ValidationError."""
        if "filter" in self.validated_data:
            return _matching(**self.validated_data["filter"])
        return _listed(self.validated_data["firewalls"])


def _has_a_filter_for_firewalls(data: Any) -> bool:
    if not isinstance(data, dict) or "filter" in data:
        return False
    return isinstance(data.get("firewalls"), dict)


def _listed(ids: list[UUID]) -> tuple[list[Firewall], str]:
    """These firewalls, in this order. Raises ValidationError for one that there is not."""
    rows = Firewall.objects.select_related("machine").in_bulk(ids)
    missing = [pk for pk in ids if pk not in rows]
    if missing:
        reason = serializers.ErrorDetail(f"There is no firewall {missing[0]}.", "does_not_exist")
        raise serializers.ValidationError({"firewalls": reason})
    firewalls = [rows[pk] for pk in dict.fromkeys(ids)]
    return firewalls, f"{len(firewalls)} chosen firewall{'' if len(firewalls) == 1 else 's'}"


def _matching(
    partition: Partition | None = None, network: Network | None = None
) -> tuple[list[Firewall], str]:
    """Those that match and can be pushed to at all."""
    cause = f"firewalls of {network}" if network else "firewalls"
    if partition:
        cause += f" in {partition}"
    rows = Firewall.objects.chosen(partition, network).exclude(host="")
    return list(rows.select_related("machine")), cause
