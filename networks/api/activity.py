"""`activity/`: the audit trail, to read."""

from typing import Any, ClassVar, cast

import django_filters
from django.contrib.auth.models import User
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from networks.common.api.fields import UtcTime
from networks.common.api.lists import Exact, Integer, Time
from networks.common.api.rows import RowSerializer
from networks.common.api.views import ReadViewSet
from networks.models import Activity


class ObjectSerializer(serializers.Serializer[Activity]):
    """What was changed: its kind, its id, and what it was called then."""

    kind = serializers.CharField()
    id = serializers.CharField(source="key")
    name = serializers.CharField(source="label")


@extend_schema_field({"type": ["object", "null"]})
class Recorded(serializers.JSONField):
    """The columns of an object that were written; null where it was not there, before or after."""


class ActivitySerializer(RowSerializer[Activity]):
    """One change of one object."""

    when = UtcTime(source="at")
    what = serializers.ChoiceField(source="verb", choices=Activity.Verb.choices)
    object = serializers.SerializerMethodField()
    before, after = Recorded(), Recorded()
    request_id = serializers.CharField(source="request")

    class Meta(RowSerializer.Meta):
        model = Activity
        fields = [
            "id",
            "who",
            "via",
            "when",
            "what",
            "object",
            "operation",
            "before",
            "after",
            "reason",
            "request_id",
            "story",
            "about",
        ]
        read_only_fields = fields

    @extend_schema_field(ObjectSerializer)
    def get_object(self, row: Activity) -> dict[str, Any]:
        return dict(ObjectSerializer(row).data)


class Since(Time):
    def __init__(self) -> None:
        super().__init__("at", lookup_expr="gte")


class Until(Time):
    def __init__(self) -> None:
        super().__init__("at", lookup_expr="lte")


class About(Exact):
    """The history of one object, as `network:storage`."""

    def filter(self, qs: QuerySet[Activity], value: str) -> QuerySet[Activity]:
        return qs.filter(about__contains=[value]) if value else qs


class ObjectNamed(Exact):
    """The history of whatever has, or once had, this id or name."""

    def filter(self, qs: Any, value: str) -> QuerySet[Activity]:
        return qs.of(value) if value else qs


class ActivityFilters(django_filters.FilterSet):
    id = Integer()
    who = Exact()
    via = Exact()
    when = Time("at")
    since = Since()
    until = Until()
    what = django_filters.ChoiceFilter("verb", choices=Activity.Verb.choices)
    kind = Exact()
    object = ObjectNamed()
    about = About()
    operation = Exact()
    reason = Exact()
    request_id = Exact("request")
    story = Exact()


class ActivityViewSet(ReadViewSet[Activity]):
    """Every change, newest first: who, when, by which way in, what before and after, and why."""

    queryset = Activity.objects.all()
    serializer_class = ActivitySerializer
    filterset_class = ActivityFilters
    search_fields: ClassVar[list[str]] = ["label", "operation", "reason", "who"]
    ordering_fields: ClassVar[dict[str, str]] = {"id": "id", "when": "at"}
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[Activity]:
        return Activity.objects.visible_to(cast(User, self.request.user)).order_by("-id")
