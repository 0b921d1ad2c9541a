"""How many pushes of a partition may run at once, whoever starts them."""

from django.db import connection
from django.db.models import Count, F

from firewalls.models import Push, PushQuerySet
from networks.models import Partition

# Not the partition's row, which a person's request may hold for long: nothing waits for a worker,
# and no worker for a person. The number sets these locks apart from others of its kind.
_KIND = 7_001
_LOCK = "SELECT pg_advisory_xact_lock(%s, hashtext(id)) FROM unnest(%s::text[]) AS id"


def lock_room(waiting: PushQuerySet) -> dict[str, int]:
    """How many more pushes may start in each partition that has a limit, and something waiting.

    Nobody else starts any there until this transaction ends.
    """
    partitions = Partition.objects.filter(pushes_at_once__isnull=False)
    limited = partitions.filter(pk__in=waiting.values("firewall__machine__partition"))
    names = list(limited.order_by("pk").values_list("pk", flat=True))
    if not names:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [_KIND, names])
    # Read once it is locked: now all that others have started is seen.
    limits = partitions.filter(pk__in=names).values_list("pk", "pushes_at_once")
    busy = running(names)
    return {name: max(0, (limit or 0) - busy.get(name, 0)) for name, limit in limits}


def running(partitions: list[str]) -> dict[str, int]:
    """How many pushes run in these partitions, where any does."""
    rows = Push.objects.open().filter(state=Push.State.RUNNING)
    of = rows.filter(firewall__machine__partition__in=partitions).order_by()
    counts = of.values_list(F("firewall__machine__partition")).annotate(Count("pk"))
    return dict(counts)
