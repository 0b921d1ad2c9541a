"""What is known of pushes, on the database's side: which are whose, how far they are, how they ended."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Now

from firewalls.configuration import checks
from firewalls.device.transport import Inspection, Outcome, Step, Target, TransportError
from firewalls.intent import changes
from firewalls.models import Drift, Firewall, Member, Push
from firewalls.models.states import KEY_CHANGED
from firewalls.pushing import drift, rollouts

SHORTEST_PAUSE, LONGEST_PAUSE = (
    timedelta(minutes=1),
    timedelta(hours=1),
)  # between two looks at a firewall that does not answer
LEASE = timedelta(minutes=5)  # for which a look at a firewall is one worker's
_NOTE = """
UPDATE firewalls_push AS push SET heartbeat_at = statement_timestamp(), steps = COALESCE(told.steps::jsonb, push.steps)
FROM unnest(%s::uuid[], %s::int[], %s::text[]) AS told (id, attempts, steps)
WHERE push.id = told.id AND push.attempts = told.attempts AND push.state = 'running' RETURNING push.id
"""
# What is being written meanwhile is skipped, never waited for: so this can be in no deadlock.
_BEAT = """
UPDATE firewalls_push SET heartbeat_at = statement_timestamp() WHERE id IN (
    SELECT push.id FROM firewalls_push AS push JOIN unnest(%s::uuid[], %s::int[]) AS held (id, attempts) USING (id, attempts)
    WHERE push.state = 'running' FOR NO KEY UPDATE OF push SKIP LOCKED)
"""


class ClaimLost(Exception):
    """The push was taken for lost and belongs to another worker now; this one stops without a word."""


@dataclass(eq=False)
class PushJob:
    """A push that this worker has claimed."""

    push: Push
    where: Target
    files: dict[str, str]
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: bool = True
    given_away: bool = False

    async def told(self, step: Step) -> None:
        """Take note of a step. Raises GivenAway."""
        if self.given_away:
            raise ClaimLost
        self.steps[step.name] = asdict(step)
        self.changed = True


@dataclass(eq=False)
class InspectionJob:
    """A look at a firewall that this worker has claimed."""

    firewall: Firewall
    where: Target


def target(firewall: Firewall) -> Target:
    """Where and how the firewall is reached."""
    return Target(
        name=firewall.name,
        host=firewall.host,
        port=firewall.port,
        user=firewall.user,
        host_key=firewall.host_key,
        practice=firewall.practice,
    )


def prepared(claimed: list[Push]) -> list[PushJob]:
    """What these pushes bring: their revision, or else the latest, noted on them. One that cannot begin is ended."""
    _choose([push for push in claimed if push.revision_id is None])
    running = Push.objects.filter(state=Push.State.RUNNING).select_related(
        "firewall__machine__partition", "revision"
    )
    current = running.in_bulk([push.pk for push in claimed])
    jobs = []
    refused = _refused([push for push in current.values() if push.revision])
    for push in (current[one.pk] for one in claimed if one.pk in current):
        if push.firewall.key_changed:
            refuse(
                push,
                f"{push.firewall} shows another host key than the pinned one. Judge that first.",
            )
        elif push.revision is None:
            refuse(
                push,
                f"{push.firewall} has no underlay address yet, so it has no configuration (R8).",
            )
        else:
            told = Step(
                "render",
                "ok",
                0,
                f"revision {push.revision.number}, {push.revision.digest[:12]}: {push.revision.cause}",
            )
            if complaints := refused[push.pk]:
                steps = [asdict(told), asdict(Step("check", "failed", 0, "\n".join(complaints)))]
                refuse(push, f"It was not sent: {complaints[0]}", steps)
                continue
            jobs.append(
                PushJob(push, target(push.firewall), push.revision.files, {"render": asdict(told)})
            )
    return jobs


def _refused(pushes: list[Push]) -> dict[UUID, list[str]]:
    """What the parsers here have against what is to be sent; nothing that they refuse leaves the house."""
    files = [push.revision.files for push in pushes if push.revision]
    return dict(zip((push.pk for push in pushes), checks.complaints_of_each(files), strict=True))


def _choose(pushes: list[Push]) -> None:
    """Render what is wanted at this moment; from now on it is this revision that is pushed."""
    failures: dict[UUID, str] = {}
    for by, group in groupby(
        sorted(pushes, key=lambda push: push.requested_by), key=lambda push: push.requested_by
    ):
        failures |= changes.refresh([push.firewall_id for push in group], "rendered for a push", by)
    for push in pushes:
        if reason := failures.get(push.firewall_id):
            refuse(push, reason)
    wanted = Firewall.objects.filter(pk=OuterRef("firewall")).values("wanted")[:1]
    Push.objects.filter(pk__in=[push.pk for push in pushes], state=Push.State.RUNNING).update(
        revision=Subquery(wanted)
    )


def record_progress(jobs: list[PushJob]) -> None:
    """Write down how far they are and that their worker lives; those that belong to somebody else by now are told so."""
    changed = [job for job in jobs if job.changed]
    told = [json.dumps(list(job.steps.values())) if job.changed else None for job in jobs]
    for job in changed:
        job.changed = False  # from here on: what it is told meanwhile is for the next time
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                _NOTE, [[job.push.pk for job in jobs], [job.push.attempts for job in jobs], told]
            )
            ours = {row[0] for row in cursor.fetchall()}
    except DatabaseError:
        for job in changed:
            job.changed = True
        raise
    for job in jobs:
        job.given_away = job.push.pk not in ours


def record_heartbeat(pushes: list[Push]) -> None:
    """Write down that their worker lives, and nothing else."""
    with connection.cursor() as cursor:
        cursor.execute(_BEAT, [[push.pk for push in pushes], [push.attempts for push in pushes]])


@transaction.atomic
def settle(push: Push, outcome: Outcome, steps: list[dict[str, Any]]) -> None:
    """Note the verdict on the push and on its firewall, together or not at all, and lead on the rollouts it belongs to."""
    if not _end(push, outcome, steps):
        return
    record_contact(push.firewall, unreachable=outcome.unreachable, offered_key=outcome.offered_key)
    if outcome.state == Push.State.CONFIRMED:
        Firewall.objects.filter(pk=push.firewall_id).update(
            applied=push.revision, drifted_at=None, drift=""
        )
        Drift.objects.filter(firewall=push.firewall_id).delete()


@transaction.atomic
def refuse(push: Push, reason: str, steps: list[dict[str, Any]] | None = None) -> None:
    """End it without having asked the firewall, of which nothing is known by that."""
    _end(push, Outcome("failed", reason), steps)


def _end(push: Push, outcome: Outcome, steps: list[dict[str, Any]] | None) -> bool:
    if steps is not None:
        Push.objects.filter(pk=push.pk, attempts=push.attempts, state=Push.State.RUNNING).update(
            steps=steps
        )
    if not push.finish(outcome.state, outcome.error, unanswered=outcome.unreachable):
        return False
    for rollout in Member.objects.filter(push=push).values_list("rollout", flat=True):
        rollouts.advance(rollout)
    return True


def record_contact(firewall: Firewall, *, unreachable: bool, offered_key: str = "") -> None:
    """Note whether the firewall has answered, which key it showed that is not pinned, and when to look at it again."""
    row = Firewall.objects.filter(pk=firewall.pk)
    if offered_key:
        row.update(offered_key=offered_key, offered_for=firewall.host_key, offered_at=Now())
    if unreachable:
        pause = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** min(firewall.silences, 10))
        row.update(
            unreachable_since=Coalesce("unreachable_since", Now()),
            silences=F("silences") + 1,
            check_due_at=Now() + pause,
        )
    else:
        row.update(
            unreachable_since=None,
            silences=0,
            checked_at=Now(),
            check_due_at=Now() + settings.CHECK_EVERY,
        )


def claim_inspections(most: int) -> list[InspectionJob]:
    """Up to so many firewalls that are due to be looked at and are not pushed to, made this worker's for a while."""
    unmet = Q(check_due_at=None, host_key="", offered_key="")  # nobody has seen its host key yet
    due = Q(check_due_at__lte=Now()) | Q(check_due_at=None, applied__isnull=False) | unmet
    rows = (
        Firewall.objects.filter(due)
        .exclude(KEY_CHANGED)
        .exclude(host="")
        .exclude(pushes__state=Push.State.RUNNING)
    )
    with transaction.atomic():
        chosen = rows.order_by(F("check_due_at").asc(nulls_last=True)).select_for_update(
            skip_locked=True, of=("self",), no_key=True
        )
        keys = list(chosen.values_list("pk", flat=True)[: max(0, most)])
        Firewall.objects.filter(pk__in=keys).update(check_due_at=Now() + LEASE)
    found = Firewall.objects.filter(pk__in=keys).select_related("machine", "applied")
    return [InspectionJob(firewall, target(firewall)) for firewall in found]


@transaction.atomic
def record_inspection(firewall: Firewall, found: Inspection | TransportError) -> None:
    """Note what a look at the firewall has shown: drift, silence, or another host key."""
    if isinstance(found, TransportError) and found.here:
        Firewall.objects.filter(pk=firewall.pk).update(check_due_at=Now() + settings.CHECK_EVERY)
        return
    if isinstance(found, TransportError):
        record_contact(firewall, unreachable=found.unreachable, offered_key=found.offered_key)
        return
    record_contact(firewall, unreachable=False)
    drift.record_drift(firewall, found)


def inspect_now(firewalls: Iterable[UUID]) -> None:
    """Have these looked at as soon as a worker can."""
    Firewall.objects.filter(pk__in=list(firewalls)).update(check_due_at=Now())
