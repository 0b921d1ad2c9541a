"""What every view of firewalls stands on: how one is found, shown and locked."""

from firewalls.api.serializers import FirewallSerializer
from firewalls.models import Firewall, lock_firewalls
from firewalls.pushing import cautions
from firewalls.pushing.jobs import REACHED_BY
from networks.common.api.lists import UUID
from networks.common.api.views import RowViewSet


class FirewallRows(RowViewSet[Firewall]):
    queryset = cautions.annotated(
        Firewall.objects.select_related("machine", "applier", "hold", *REACHED_BY)
        .with_revisions()
        .with_state()
        .prefetch_related("attachments__network", "machine__addresses__prefix__network", "rules")
    )
    serializer_class = FirewallSerializer
    lookup_value_regex = UUID
    moving = (
        "state",
        "wanted",
        "applied",
        "drift",
        "unreachable_since",
        "checked_at",
        "refused_at",
        "refusal",
        "applier",
        "hold",
        "through",
        "cautions",
    )

    def lock(self, row: Firewall) -> bool:
        return bool(lock_firewalls([row.pk]))
