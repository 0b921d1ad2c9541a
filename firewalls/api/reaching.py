"""How a firewall is reached and spoken to, as JSON: its SSH, jump host, applier, and cautions."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from firewalls.models import Firewall, SshAccess
from firewalls.pushing import appliers, cautions
from networks.common.api.fields import UtcTime
from networks.common.api.rows import RowSerializer

MANAGEMENT = ("host", "port", "user", "host_key")


class ManagementSerializer(RowSerializer[Firewall]):
    """Where and how the firewall's SSH is reached; its host key is pinned."""

    class Meta(RowSerializer.Meta):
        model = Firewall
        fields = [*MANAGEMENT]


class ApplierSerializer(serializers.Serializer[Firewall]):
    """The applier that it had when it was last looked at or pushed to, beside the product's own."""

    state = serializers.SerializerMethodField()
    digest = serializers.CharField(source="applier.digest", default=None, allow_null=True)
    protocol = serializers.IntegerField(source="applier.protocol", default=None, allow_null=True)
    seen_at = UtcTime(source="applier.seen_at", default=None, allow_null=True)

    @extend_schema_field(serializers.ChoiceField(choices=appliers.State.choices))
    def get_state(self, firewall: Firewall) -> str:
        return str(appliers.state_of(firewall))


class WaySerializer(serializers.Serializer[Any]):
    """Through which jump host it is reached; `trouble`: why that let nobody through last."""

    access = serializers.IntegerField(help_text="Its row of `ssh-access/`.")
    jump_host = serializers.CharField()
    trouble = serializers.CharField()


def through(access: SshAccess | None) -> dict[str, Any] | None:
    """The jump host of an access in the shape of WaySerializer; None where there is none."""
    if access is None or not access.way:
        return None
    return {"access": access.pk, "jump_host": access.jump_place, "trouble": access.trouble}


class CautionSerializer(serializers.Serializer[Any]):
    """What a first push would cut off, or would not get along with."""

    code = serializers.ChoiceField(choices=cautions.Code.choices)
    message = serializers.CharField()


def told(firewall: Firewall) -> list[dict[str, str]]:
    """A firewall's cautions in the shape of CautionSerializer."""
    return [{"code": one.code, "message": one.sentence} for one in cautions.of(firewall)]
