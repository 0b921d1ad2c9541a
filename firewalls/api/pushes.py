"""`revisions/` and `pushes/`, to read."""

import django_filters

from firewalls.api import words
from firewalls.api.serializers import PushSerializer, RevisionSerializer
from firewalls.models import Push, Revision
from networks.common.api.lists import UUID, Exact, Integer, OrNone, Time, Uuid
from networks.common.api.views import ReadViewSet


class RevisionFilters(django_filters.FilterSet):
    id = Integer()
    firewall = Uuid("firewall_id")
    number = Integer()
    digest = Exact()
    created_at = Time()
    created_by = Exact()
    cause = Exact()


class PushFilters(django_filters.FilterSet):
    id = Uuid()
    firewall = Uuid("firewall_id")
    revision = OrNone("revision__number", regex="[0-9]{1,9}")
    rollout = OrNone("rollout_id", regex=UUID)
    superseded_by = OrNone("superseded_by_id", regex=UUID)
    state = words.StateFilter(words.PUSH, choices=words.PUSH_STATES)
    outcome = django_filters.ChoiceFilter(field_name="state", choices=words.OUTCOMES)
    error = Exact()
    requested_by = Exact()
    created_at = Time()
    started_at = Time()
    finished_at = Time()


class RevisionViewSet(ReadViewSet[Revision]):
    """The distinct configurations that were wanted of firewalls."""

    queryset = Revision.objects.defer("files")
    serializer_class = RevisionSerializer
    filterset_class = RevisionFilters
    search_fields = ["digest", "cause", "created_by", "firewall__machine__name"]
    ordering_fields = {
        "id": "id",
        "number": "number",
        "digest": "digest",
        "created_at": "created_at",
        "created_by": "created_by",
        "cause": "cause",
        "firewall": "firewall_id",
    }
    lookup_value_regex = "[0-9]{1,18}"


class PushViewSet(ReadViewSet[Push]):
    """The attempts to bring configurations to firewalls, with their steps."""

    queryset = (
        Push.objects.select_related("revision")
        .defer("revision__files")
        .annotate(promised=words.promised(words.PUSH))
    )
    serializer_class = PushSerializer
    filterset_class = PushFilters
    search_fields = ["error", "requested_by", "firewall__machine__name"]
    ordering_fields = {
        "id": "id",
        "state": "promised",
        "created_at": "created_at",
        "started_at": "started_at",
        "finished_at": "finished_at",
        "requested_by": "requested_by",
        "firewall": "firewall_id",
        "revision": "revision__number",
    }
    lookup_value_regex = UUID
