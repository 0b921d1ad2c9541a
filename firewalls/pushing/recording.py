"""Recording: workers write down progress, that they live, and what firewalls have shown."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Case, F, JSONField, Value, When
from django.db.models.functions import Cast, Coalesce, Now

from firewalls.device.transport import Inspection, Survey, TransportError
from firewalls.models import Firewall, Push, PushQuerySet
from firewalls.pushing.drift import record_drift
from firewalls.pushing.jobs import PushJob
from firewalls.pushing.takeover import record_survey
from networks.common.locking import lock_keys

# Between two inspections of a firewall that does not answer.
SHORTEST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
MOST_DOUBLINGS = 10


def record_progress(jobs: list[PushJob]) -> None:
    """Write down the steps of these pushes, and that their worker lives.

    A push that belongs to another worker by now is not written, and its job is marked.
    """
    changed = [job for job in jobs if job.changed]
    for job in changed:
        job.changed = False  # A step that comes from here on is for the next time.
    steps = {job.push.pk: job.step_list for job in changed}
    try:
        ours = _write_progress([job.push for job in jobs], steps)
    except DatabaseError:
        for job in changed:
            job.changed = True
        raise
    for job in jobs:
        job.claim_lost = job.push.pk not in ours


@transaction.atomic
def _write_progress(pushes: list[Push], steps: dict[UUID, list[dict[str, Any]]]) -> set[UUID]:
    """Write the steps of those that are still this worker's; returns which are."""
    locked = lock_keys(Push, [push.pk for push in pushes])
    running = Push.objects.filter(pk__in=locked, state=Push.State.RUNNING)
    ours = _same_attempt(running, pushes)
    cases = [When(pk=pk, then=Value(steps[pk], JSONField())) for pk in steps if pk in ours]
    written = Cast(Case(*cases, default=F("steps")), JSONField())
    Push.objects.filter(pk__in=ours).update(heartbeat_at=Now(), steps=written)
    return ours


@transaction.atomic
def record_heartbeat(pushes: list[Push]) -> None:
    """Write down that the worker of these lives, and nothing else.

    What is being written meanwhile is skipped, never waited for: so this can be in no deadlock.
    """
    running = Push.objects.filter(state=Push.State.RUNNING)
    ours = _same_attempt(running.select_for_update(skip_locked=True, no_key=True), pushes)
    Push.objects.filter(pk__in=ours).update(heartbeat_at=Now())


def _same_attempt(rows: PushQuerySet, pushes: list[Push]) -> set[UUID]:
    """The ids of these pushes that no other worker has claimed since."""
    attempts = {push.pk: push.attempts for push in pushes}
    current = rows.filter(pk__in=attempts).values_list("pk", "attempts")
    return {pk for pk, attempt in current if attempt == attempts[pk]}


def record_contact(firewall: Firewall, *, unreachable: bool, offered_key: str = "") -> None:
    """Write down whether the firewall has answered, and when it is inspected next.

    `offered_key`: the host key that it showed and that is not the pinned one.
    """
    row = Firewall.objects.filter(pk=firewall.pk)
    if offered_key:
        row.update(offered_key=offered_key, offered_for=firewall.host_key, offered_at=Now())
    if unreachable:
        pause = SHORTEST_PAUSE * 2 ** min(firewall.silences, MOST_DOUBLINGS)
        row.update(
            unreachable_since=Coalesce("unreachable_since", Now()),
            silences=F("silences") + 1,
            check_due_at=Now() + min(LONGEST_PAUSE, pause),
        )
        return
    row.update(
        unreachable_since=None,
        silences=0,
        checked_at=Now(),
        check_due_at=Now() + settings.CHECK_EVERY,
    )


@transaction.atomic
def record_inspection(firewall: Firewall, result: Inspection | Survey | TransportError) -> None:
    """Write down what an inspection has shown: drift, silence, or another host key."""
    if isinstance(result, Inspection):
        record_contact(firewall, unreachable=False)
        record_drift(firewall, result)
    elif isinstance(result, Survey):
        record_contact(firewall, unreachable=False)
        record_survey(firewall, result)
    elif result.local:
        next_time = Now() + settings.CHECK_EVERY
        Firewall.objects.filter(pk=firewall.pk).update(check_due_at=next_time)
    else:
        record_contact(firewall, unreachable=result.unreachable, offered_key=result.offered_key)
