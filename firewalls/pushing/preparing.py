"""Preparing: which configuration a claimed push puts on its firewall, rendered and checked here.

A push that cannot begin is refused: it ends without the firewall being asked.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from uuid import UUID

from django.db import transaction
from django.db.models import OuterRef, Subquery

from firewalls.configuration import checks
from firewalls.device.protocol import too_large
from firewalls.device.transport import Step
from firewalls.intent import changes
from firewalls.models import Choice, Firewall, Push, Revision
from firewalls.pushing import carrying, lockout, takeover
from firewalls.pushing.jobs import REACHED_BY, PushJob
from firewalls.pushing.settling import refuse
from networks.common.locking import lock_keys
from networks.models import Carried

Chosen = tuple[Push, Revision]


def prepare(claimed: list[Push]) -> list[PushJob]:
    """What these pushes are to put on their firewalls; those that cannot begin are refused."""
    _choose_latest([push for push in claimed if push.revision_id is None])
    chosen = []
    for push in _still_running(claimed):
        if push.firewall.key_changed:
            reason = "shows another host key than the pinned one. Judge that first."
            refuse(push, f"{push.firewall} {reason}")
        elif push.revision is None:
            reason = "has no underlay address yet, so it has no configuration (R8)."
            refuse(push, f"{push.firewall} {reason}")
        elif reason := _not_allowed(push, push.revision):
            refuse(push, reason)
        else:
            chosen.append((push, push.revision))
    return _checked(list(_still_reached(chosen)))


def _still_reached(chosen: list[Chosen]) -> Iterator[Chosen]:
    """Those that lock nobody out, as far as is known, or where a person has said that it is meant.

    The others are refused.
    """
    found = lockout.hazards_of_each([lockout.Order(push.firewall, one) for push, one in chosen])
    for (push, revision), hazards in zip(chosen, found, strict=True):
        choice: Choice | None = getattr(push, "choice", None)
        is_meant = choice is not None and choice.may_lock_out
        if reason := lockout.refusal(hazards, is_meant=is_meant):
            refuse(push, reason)
        else:
            yield push, revision


def _not_allowed(push: Push, revision: Revision) -> str:
    """Why the firewall may not be pushed to, or given back, as a sentence; empty if it may."""
    if revision.number == takeover.HAD:
        return takeover.not_to_be_given_back(push.firewall, revision)
    return takeover.given_back(push.firewall)


def _choose_latest(pushes: list[Push]) -> None:
    """Render what is wanted now; from here on it is this revision that is pushed."""
    by_requester: dict[str, list[UUID]] = defaultdict(list)
    for push in pushes:
        by_requester[push.requested_by].append(push.firewall_id)
    failures: dict[UUID, str] = {}
    for requester, firewalls in sorted(by_requester.items()):
        failures |= changes.refresh(firewalls, "rendered for a push", requester)
    for push in pushes:
        if reason := failures.get(push.firewall_id):
            refuse(push, reason)
    wanted = Firewall.objects.filter(pk=OuterRef("firewall")).values("wanted")[:1]
    running = Push.objects.filter(state=Push.State.RUNNING)
    with transaction.atomic():
        ours = lock_keys(Push, [push.pk for push in pushes])
        running.filter(pk__in=ours).update(revision=Subquery(wanted))


def _still_running(claimed: list[Push]) -> list[Push]:
    """Those that were not refused, as their rows are now, in the same order."""
    running = Push.objects.filter(state=Push.State.RUNNING).select_related(
        *[f"firewall__{name}" for name in REACHED_BY],
        "firewall__takeover",
        "firewall__observation",
        "choice",
        "revision",
    )
    current = running.in_bulk([push.pk for push in claimed])
    return [current[push.pk] for push in claimed if push.pk in current]


def _brought(chosen: list[Chosen], ours: list[dict[str, str]]) -> dict[UUID, list[Carried]]:
    """What each firewall may have from its push on."""
    firewalls = [push.firewall for push, _ in chosen]
    brought: dict[UUID, list[Carried]] = defaultdict(list)
    for row in carrying.carried(zip(firewalls, ours, strict=True)):
        brought[row.box].append(row)
    return brought


def _checked(chosen: list[Chosen]) -> list[PushJob]:
    """Ask the real parsers; nothing that they refuse is sent."""
    ours = [{} if revision.number == takeover.HAD else revision.files for _, revision in chosen]
    all_complaints = checks.complaints_of_each(ours)
    brought = _brought(chosen, ours)
    jobs = []
    for (push, revision), files, complaints in zip(chosen, ours, all_complaints, strict=True):
        output = f"revision {revision.number}, {revision.digest[:12]}: {revision.cause}"
        rendered = asdict(Step("render", "ok", 0, output))
        reasons = list(filter(None, [too_large(revision.files), *complaints]))
        if reason := "" if reasons else carrying.begin(push.firewall, brought[push.firewall_id]):
            refuse(push, reason, [rendered])
        elif reasons:
            failed = asdict(Step("check", "failed", 0, "\n".join(reasons)))
            refuse(push, f"It was not sent: {reasons[0]}", [rendered, failed])
        else:
            units = takeover.adopted(push.firewall).values()
            jobs.append(PushJob(push, files, {"render": rendered}, adopted=tuple(units)))
    return jobs
