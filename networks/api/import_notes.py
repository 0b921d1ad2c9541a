"""`import-notes/`: what imports have left out, assumed or kept out, to read."""

from typing import ClassVar

import django_filters
from rest_framework import serializers

from networks.common.api.fields import UtcTime
from networks.common.api.lists import Exact, Integer, Time
from networks.common.api.rows import RowSerializer
from networks.common.api.views import ReadViewSet
from networks.models import ImportNote


class NotedObjectSerializer(serializers.Serializer[ImportNote]):
    """The object that a note is about; one that is kept out is not found by its id."""

    kind = serializers.CharField()
    id = serializers.CharField(source="key")
    name = serializers.CharField(source="label")


class ImportNoteSerializer(RowSerializer[ImportNote]):
    """One thing that an import has to say of an object."""

    object = NotedObjectSerializer(source="*", read_only=True)
    rule = serializers.CharField(
        read_only=True, help_text="The rule that the object breaks, such as R14; or empty."
    )
    since = UtcTime(source="at")

    class Meta(RowSerializer.Meta):
        model = ImportNote
        fields = ["id", "object", "verdict", "field", "rule", "message", "since"]


class ImportNoteFilters(django_filters.FilterSet):
    id = Integer()
    kind = Exact()
    object = Exact("key")
    verdict = django_filters.ChoiceFilter(choices=ImportNote.Verdict.choices)
    field = Exact()
    since = Time("at")


class ImportNoteViewSet(ReadViewSet[ImportNote]):
    """What imports took otherwise than it was written, and what they kept out.

    A note goes once an import finds nothing to say there any more.
    """

    queryset = ImportNote.objects.all()
    serializer_class = ImportNoteSerializer
    filterset_class = ImportNoteFilters
    search_fields: ClassVar[list[str]] = ["key", "label", "field", "message"]
    ordering_fields: ClassVar[dict[str, str]] = {
        "id": "id",
        "kind": "kind",
        "object": "key",
        "verdict": "verdict",
        "field": "field",
        "since": "at",
    }
    lookup_value_regex = "[0-9]{1,18}"
