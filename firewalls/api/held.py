"""Holds and what pushes wait for, as JSON."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from firewalls.models import Hold, Push
from firewalls.pushing import waiting
from networks.common.api.fields import UtcTime
from networks.common.api.rows import RowSerializer


class HoldSerializer(RowSerializer[Hold]):
    """While it lasts, no push to the firewall starts."""

    since = UtcTime(read_only=True)
    until = UtcTime(
        required=False, allow_null=True, help_text="It ends by itself then; null: when it is ended."
    )

    class Meta(RowSerializer.Meta):
        model = Hold
        fields = ["reason", "held_by", "since", "until"]
        read_only_fields = ["held_by"]


class Waits(serializers.Serializer[Push]):
    """What a queued push waits for, and until when; nothing where it waits for a worker alone."""

    waits_for = serializers.SerializerMethodField()
    waits_because = serializers.SerializerMethodField()
    waits_until = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ChoiceField(choices=waiting.CODES, allow_null=True))
    def get_waits_for(self, push: Push) -> str | None:
        reason = self._reasons().get(push.pk)
        return reason.code if reason else None

    def get_waits_because(self, push: Push) -> str:
        reason = self._reasons().get(push.pk)
        return reason.sentence if reason else ""

    @extend_schema_field(UtcTime(allow_null=True))
    def get_waits_until(self, push: Push) -> str | None:
        reason = self._reasons().get(push.pk)
        if reason is None or reason.until is None:
            return None
        return str(UtcTime().to_representation(reason.until))

    def _reasons(self) -> dict[UUID, waiting.Reason]:
        """Of all pushes of this answer at once, so that a list takes no more queries than one."""
        if not hasattr(self, "_found"):
            rows: Any = self.instance if self.parent is None else self.parent.instance
            self._found = waiting.reasons([rows] if isinstance(rows, Push) else rows or [])
        return self._found
