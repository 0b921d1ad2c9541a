"""Recording: workers write down progress, that they live, and what firewalls have shown."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Case, F, JSONField, QuerySet, Value, When
from django.db.models.functions import Cast, Coalesce, Now

from firewalls.device.transport import Inspection, Survey, TransportError
from firewalls.models import Firewall, Observation, Push, PushQuerySet
from firewalls.pushing import jump_hosts
from firewalls.pushing.drift import recognise_unseen, record_drift
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
    changed = [job for job in jobs if job.has_news]
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


def observed(firewall: Firewall) -> QuerySet[Observation]:
    """The row of what was seen of it, to be changed in one statement."""
    return Observation.objects.filter(pk=firewall.pk)


def record_silence(firewall: Firewall) -> None:
    """It did not answer: it is asked again after pauses that grow."""
    observed(firewall).update(
        unreachable_since=Coalesce("unreachable_since", Now()), **_asked_in_vain(firewall)
    )
    jump_hosts.record(firewall, None)


def record_no_way(firewall: Firewall, reason: str, jump: TransportError) -> None:
    """Its jump host let nobody through, so nothing is known of it: neither an answer nor silence.

    It is asked again after pauses that grow, and once the jump host lets somebody through.
    """
    observed(firewall).update(refused_at=Now(), refusal=reason, **_asked_in_vain(firewall))
    jump_hosts.record(firewall, jump)


def _asked_in_vain(firewall: Firewall) -> dict[str, Any]:
    pause = SHORTEST_PAUSE * 2 ** min(firewall.observation.silences, MOST_DOUBLINGS)
    return {
        "silences": F("silences") + 1,
        "check_due_at": Now() + min(LONGEST_PAUSE, pause),
    }


def record_refusal(firewall: Firewall, reason: str, offered_key: str = "") -> None:
    """It answers, and cannot be looked at: what was seen of it before stays what was seen then.

    `offered_key`: the host key that it showed and that is not the pinned one. Where none is pinned
    yet, the firewall refuses nothing: it waits for a person.
    """
    row = observed(firewall)
    if offered_key:
        row.update(offered_key=offered_key, offered_for=firewall.host_key, offered_at=Now())
    if firewall.host_key:
        row.update(refused_at=Now(), refusal=reason)
    else:
        row.update(refused_at=None, refusal="")
    record_answer(firewall)


def record_answer(firewall: Firewall) -> None:
    """It answered, but what is on it was not seen."""
    next_time = Now() + settings.CHECK_EVERY
    observed(firewall).update(unreachable_since=None, silences=0, check_due_at=next_time)
    jump_hosts.record(firewall, None)


def record_look(firewall: Firewall) -> None:
    """What is on it was seen."""
    observed(firewall).update(checked_at=Now(), refused_at=None, refusal="")
    record_answer(firewall)


def record_error(firewall: Firewall, error: TransportError) -> None:
    """Write down what it means that the firewall could not be asked."""
    if error.local:
        observed(firewall).update(check_due_at=Now() + settings.CHECK_EVERY)
    elif error.jump:
        record_no_way(firewall, str(error), error.jump)
    elif error.unreachable:
        record_silence(firewall)
    else:
        record_refusal(firewall, str(error), error.offered_key)


@transaction.atomic
def record_inspection(firewall: Firewall, result: Inspection | Survey | TransportError) -> None:
    """Write down what an inspection has shown: drift, silence, or that it was refused."""
    if isinstance(result, TransportError):
        record_error(firewall, result)
        return
    if isinstance(result, Survey):  # It locks the firewall, which comes before what was seen of it.
        record_survey(firewall, result)
    record_look(firewall)
    if isinstance(result, Inspection):
        recognise_unseen(firewall, result)
        record_drift(firewall, result)
