"""Claiming: a push that waits, or an inspection that is due, becomes one worker's and no other's.

Times are the database's, never a worker's: clocks of workers may differ, and a heartbeat must not
seem old because of that.
"""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When, Window
from django.db.models.functions import Now, RowNumber

from firewalls.models import Firewall, Hold, Observation, Push, PushQuerySet
from firewalls.models.states import KEY_CHANGED
from firewalls.pushing import limits, windows
from firewalls.pushing.jobs import REACHED_BY, InspectionJob
from networks.common.locking import lock_keys

HEARTBEAT_SECONDS = 2  # between two signs of life of a worker that runs a push
LOST_AFTER = timedelta(seconds=12)  # without a sign of life the worker is taken for dead
MOST_ATTEMPTS = 5
# Longer than an applier takes, and goes back: from then on a look tells how a push ended.
AT_IT = timedelta(minutes=10)
LEASE = timedelta(minutes=5)  # for which an inspection is one worker's


def claim_push(pk: UUID | str) -> Push | None:
    """Start this push, unless another worker has it, or it has to wait."""
    return next(iter(_claim(Push.objects.filter(pk=pk), most=1)), None)


def claim_pushes(most: int) -> list[Push]:
    """Start up to so many of those that wait, the oldest first; none if a competitor was faster."""
    return _claim(Push.objects.all(), most)


def _claim(pushes: PushQuerySet, most: int) -> list[Push]:
    with transaction.atomic():
        startable = _within_limits(_startable(pushes), most)
        locked = startable.order_by("created_at").select_for_update(skip_locked=True, of=("self",))
        keys = list(locked.values_list("pk", flat=True)[:most])
        if not keys or not _start(Push.objects.filter(pk__in=keys)):
            return []
        return list(_with_firewalls().filter(pk__in=keys))


def _startable(pushes: PushQuerySet) -> PushQuerySet:
    """Those that wait, and for nothing but a worker and the limit of their partition."""
    busy = Push.objects.filter(firewall=OuterRef("firewall"), state=Push.State.RUNNING)
    held = Hold.objects.in_force().filter(firewall=OuterRef("firewall"))
    queued = pushes.open().filter(state=Push.State.QUEUED)
    in_time = windows.rules(queued.values("firewall")).in_time(queued)
    return in_time.filter(~Exists(busy), ~Exists(held))


def _within_limits(startable: PushQuerySet, most: int) -> PushQuerySet:
    """Without those for which their partition has no room; until the transaction ends it is ours.

    The oldest of each partition go first.
    """
    room = limits.lock_room(startable)
    if not room:
        return startable
    partition = F("firewall__machine__partition")
    place = Window(RowNumber(), partition_by=partition, order_by=["created_at", "pk"])
    cases = [When(firewall__machine__partition=name, then=Value(n)) for name, n in room.items()]
    within = Case(*cases, default=Value(most))
    chosen = startable.annotate(place=place, room=within).filter(place__lte=F("room"))
    return Push.objects.filter(pk__in=list(chosen.values_list("pk", flat=True)))


def _start(pushes: PushQuerySet) -> int:
    """How many became ours: a conditional update makes a push one worker's.

    None where a firewall among them is busy: of each, one push runs, says a constraint.
    """
    try:
        with transaction.atomic():
            return pushes.filter(state=Push.State.QUEUED).update(
                state=Push.State.RUNNING,
                started_at=Now(),
                heartbeat_at=Now(),
                steps=[],
                error="",
                attempts=F("attempts") + 1,
            )
    except IntegrityError:
        return 0


def _with_firewalls() -> PushQuerySet:
    return Push.objects.select_related(
        *[f"firewall__{name}" for name in REACHED_BY], "firewall__observation", "revision"
    )


def requeue_lost() -> int:
    """Queue again what dead workers were running, and return how many are not running any more.

    Where a newer push waits already, that one takes over. One that was lost too often ends, and
    nobody saw how.
    """
    silent = Push.objects.open().filter(
        state=Push.State.RUNNING, heartbeat_at__lt=Now() - LOST_AFTER
    )
    with transaction.atomic():
        # One that is being written to by its worker is not lost.
        both = Push.objects.filter(Q(pk__in=silent) | Q(superseded_by__in=silent))
        free = both.order_by("pk").select_for_update(skip_locked=True)
        return _requeue(silent.filter(pk__in=list(free.values_list("pk", flat=True))))


def _requeue(silent: PushQuerySet) -> int:
    silent.filter(attempts__gte=MOST_ATTEMPTS).update(
        state=Push.State.UNSEEN,
        finished_at=Now(),
        error=f"Its worker died {MOST_ATTEMPTS} times; push again to retry.",
    )
    waiting = Push.objects.filter(firewall=OuterRef("firewall"), state=Push.State.QUEUED)
    replaced = list(silent.filter(Exists(waiting)).values_list("pk", flat=True))
    Push.objects.filter(pk__in=replaced).update(
        state=Push.State.SUPERSEDED,
        finished_at=Now(),
        error="Its worker died, and a later push took over.",
    )
    Push.objects.followed(replaced)
    try:
        with transaction.atomic():
            return len(replaced) + silent.update(state=Push.State.QUEUED, heartbeat_at=None)
    except IntegrityError:  # A newer push was queued just now: the next round sees it.
        return len(replaced)


def claim_inspections(most: int) -> list[InspectionJob]:
    """Up to so many firewalls that are due and not pushed to, made this worker's for a while."""
    if most <= 0:
        return []
    never_seen = Q(check_due_at=None, firewall__host_key="", offered_key="")
    never_inspected = Q(check_due_at=None, applied__isnull=False)
    stopped = Firewall.objects.filter(KEY_CHANGED).values("pk")
    due = (
        Observation.objects.filter(Q(check_due_at__lte=Now()) | never_inspected | never_seen)
        .exclude(firewall__in=stopped)
        .exclude(firewall__host="")
        .exclude(firewall__pushes__state=Push.State.RUNNING)
    )
    longest_due = due.order_by(F("check_due_at").asc(nulls_last=True))
    with transaction.atomic():
        locked = longest_due.select_for_update(skip_locked=True, of=("self",), no_key=True)
        keys = list(locked.values_list("pk", flat=True)[:most])
        Observation.objects.filter(pk__in=keys).update(check_due_at=Now() + LEASE)
    rows = Firewall.objects.filter(pk__in=keys).select_related(*REACHED_BY, "observation__applied")
    due_ones = rows.annotate(unseen=_was_not_seen())  # type: ignore[no-redef]
    return [InspectionJob(firewall, firewall.unseen) for firewall in due_ones]


def _was_not_seen() -> Exists:
    """Of a firewall: that its last push was not seen to its end, nor what came of it since."""
    ended = Push.objects.ended().filter(firewall=OuterRef("pk"))
    newer = Push.objects.ended().filter(
        firewall=OuterRef("firewall"), finished_at__gt=OuterRef("finished_at")
    )
    looked = Q(firewall__observation__checked_at__gt=F("finished_at") + AT_IT)
    return Exists(ended.filter(~Exists(newer), ~looked, state=Push.State.UNSEEN))


def inspect_now(firewalls: Iterable[UUID]) -> None:
    """Have these inspected as soon as a worker can."""
    with transaction.atomic():
        keys = lock_keys(Observation, firewalls)
        Observation.objects.filter(pk__in=keys).update(check_due_at=Now())
