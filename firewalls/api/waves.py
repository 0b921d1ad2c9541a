"""The waves of a rollout, as REST reads and shows them."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


@extend_schema_field(
    {
        "type": "array",
        "items": {"oneOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]},
        "examples": [[1, "10%", "rest"]],
    }
)
class Waves(serializers.JSONField):
    """How many firewalls each wave has."""
