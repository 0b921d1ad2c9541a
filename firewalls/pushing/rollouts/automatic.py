"""Rollouts that begin by themselves: one at a time in each partition that says so.

The partition says in which waves, a canary first unless it says otherwise, and how many may fail.

What was left by one that stopped waits for a person, until something else is wanted.
"""

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from firewalls.models import Firewall, FirewallQuerySet, Member, Push, PushQuerySet, Rollout
from firewalls.models.push import BY_ITSELF
from firewalls.pushing.rollouts.advancing import end
from firewalls.pushing.rollouts.starting import MOST, start
from networks.common import waves
from networks.common.audit import operation
from networks.common.locking import lock_keys
from networks.models import Partition

NAMED = 3  # of the changes that are brought, in the words that say what for


def begin_behind() -> None:
    """Bring what is wanted to firewalls that are behind, where no such rollout is under way."""
    _stop_where_switched_off()
    partitions = Partition.objects.filter(
        pk__in=_behind().values("machine__partition").distinct(), auto_push=True
    )
    under_way = Rollout.objects.filter(partition=OuterRef("pk"), finished_at=None)
    for partition in partitions.filter(~Exists(under_way)):
        _begin(partition)


def _begin(partition: Partition) -> None:
    rows = _behind().filter(machine__partition=partition)
    firewalls = list(
        rows.select_related("machine", "wanted").defer("wanted__files", "wanted__plan")[:MOST]
    )
    if not firewalls:
        return
    try:
        with transaction.atomic():
            start(
                firewalls,
                cause=_cause(partition, firewalls),
                by=BY_ITSELF,
                sizes=waves.read(partition.auto_waves),
                max_failures=partition.auto_max_failures,
                partition=partition,
            )
    except IntegrityError:  # of `one_automatic_rollout`: another worker has begun it
        return


def _behind() -> FirewallQuerySet:
    """Those that are, without what a rollout left to a person.

    What somebody has pushed since is no longer left: a box that is replaced wants it again.
    """
    since = Push.objects.filter(
        firewall=OuterRef("firewall"),
        state=Push.State.CONFIRMED,
        finished_at__gt=OuterRef("rollout__finished_at"),
    )
    members = Member.objects.filter(firewall=OuterRef("pk"), left_at=OuterRef("wanted__number"))
    left = members.filter(~Exists(since), rollout__finished_at__isnull=False)
    return Firewall.objects.behind().filter(~Exists(left), ~Exists(_pushed_to_beside()))


def _pushed_to_beside() -> PushQuerySet:
    """Pushes of siblings that are under way, which may have to end first."""
    network = OuterRef("machine__primary")
    return Push.objects.open().filter(firewall__machine__primary=network)


def _cause(partition: Partition, firewalls: list[Firewall]) -> str:
    """What has changed, as the revisions say that are brought."""
    causes = [" ".join(one.wanted.cause.split()) for one in firewalls if one.wanted]
    distinct = list(dict.fromkeys(causes))
    words = "; ".join(distinct[:NAMED])
    more = f"; and {len(distinct) - NAMED} more" if len(distinct) > NAMED else ""
    return f"{partition.pk}, by itself: {words[:300]}{more}"


def _stop_where_switched_off() -> None:
    running = Rollout.objects.filter(state=Rollout.State.RUNNING, partition__auto_push=False)
    for pk in running.values_list("pk", flat=True):
        with operation("a rollout that began by itself has stopped"), transaction.atomic():
            for rollout in running.filter(pk__in=lock_keys(Rollout, [pk])):
                reason = f"Nothing in {rollout.partition} is pushed by itself any more."
                end(rollout, Rollout.State.STOPPED, reason)
