"""`revisions/` and `pushes/`, to read."""

import django_filters

from firewalls.api.serializers import PushSerializer, RevisionSerializer
from firewalls.models import Push, Revision
from networks.common.api.lists import UUID, Exact, Integer, OrNone, Time, Uuid
from networks.common.api.views import ReadViewSet


class RevisionFilters(django_filters.FilterSet):
    id, firewall, number, digest = Integer(), Uuid("firewall_id"), Integer(), Exact()
    created_at, created_by, cause = Time(), Exact(), Exact()


class PushFilters(django_filters.FilterSet):
    id, firewall, revision = (
        Uuid(),
        Uuid("firewall_id"),
        OrNone("revision__number", regex="[0-9]{1,9}"),
    )
    rollout = OrNone("rollout_id", regex=UUID)
    state = django_filters.ChoiceFilter(choices=Push.State.choices)
    error, requested_by = Exact(), Exact()
    created_at, started_at, finished_at = Time(), Time(), Time()


class RevisionViewSet(ReadViewSet[Revision]):
    """The distinct configurations that were wanted of firewalls."""

    queryset = Revision.objects.defer("files")
    serializer_class = RevisionSerializer
    filterset_class = RevisionFilters
    search_fields = ["digest", "cause", "created_by", "firewall__machine__name"]
    ordering_fields = {
        name: name for name in ("id", "number", "digest", "created_at", "created_by", "cause")
    } | {"firewall": "firewall_id"}
    lookup_value_regex = "[0-9]{1,18}"


class PushViewSet(ReadViewSet[Push]):
    """The attempts to bring configurations to firewalls, with their steps."""

    queryset = Push.objects.select_related("revision").defer("revision__files")
    serializer_class = PushSerializer
    filterset_class = PushFilters
    search_fields = ["error", "requested_by", "firewall__machine__name"]
    ordering_fields = {
        name: name
        for name in ("id", "state", "created_at", "started_at", "finished_at", "requested_by")
    } | {
        "firewall": "firewall_id",
        "revision": "revision__number",
    }
    lookup_value_regex = UUID
