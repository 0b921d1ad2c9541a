"""Drift: what is on a firewall is not what was applied.

A push puts it right, or somebody accepts it until something changes there again.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Coalesce, Now

from firewalls.device.protocol import ROLLBACK_SECONDS
from firewalls.device.transport import Inspection
from firewalls.models import AcceptedDrift, Drift, Firewall, Observation, Push
from firewalls.models.drift import Differences, digest
from firewalls.pushing import carrying, takeover
from networks.common.audit import operation
from networks.common.locking import lock_keys

MOST_NAMES, LONGEST_NAME = 100, 200
SPARE = 20_000  # characters that may be there beyond twice what should be
# After this a firewall that was not confirmed has gone back, unless it is still applying.
GONE_BACK = timedelta(seconds=ROLLBACK_SECONDS + 30)


def differences(applied: Mapping[str, str], inspection: Inspection) -> Differences:
    """What differs: managed files, and what runs in the kernel and in FRR.

    As much of it as people can read and a diff can be made of, whatever a firewall says.
    """
    files = {
        path: (applied.get(path, ""), inspection.files.get(path, ""))
        for path in sorted({*applied, *inspection.files})
        if applied.get(path) != inspection.files.get(path)
    }
    running = {
        name: (before, now)
        for name, (before, now) in sorted(inspection.running.items())
        if before != now
    }
    found = {name: (before, _cut(now, before)) for name, (before, now) in (files | running).items()}
    return found if len(found) <= MOST_NAMES else _first_of(found)


def _cut(now: str, before: str) -> str:
    """A text that is far longer than what it should be is known by its beginning and its digest."""
    most = 2 * len(before) + SPARE
    if len(now) <= most:
        return now
    whole = hashlib.sha256(now.encode()).hexdigest()
    return f"{now[:most]}\n… (cut: {len(now):,} characters in all, SHA-256 {whole})\n"


def _first_of(found: Differences) -> Differences:
    names = [*found][:MOST_NAMES]
    rest = {name: texts for name, texts in found.items() if name not in names}
    more = f"and {len(rest):,} more, SHA-256 {digest(rest)}"
    return {name: found[name] for name in names} | {"…": ("", f"{more}\n")}


def recognise_unseen(firewall: Firewall, inspection: Inspection) -> None:
    """If the last push was not seen to its end, and what it sent is there now, it was applied.

    A firewall that may still go back is not believed yet.
    """
    ended = Push.objects.ended().filter(firewall=firewall).order_by("-finished_at")
    last = ended.select_related("revision").first()
    seen = firewall.observation
    if last is None or last.state != Push.State.UNSEEN or last.revision in (None, seen.applied):
        return
    assert last.revision
    if differences(last.revision.files, inspection):
        return
    if carrying.may_be_at_it(firewall.pk):
        return
    row = Observation.objects.filter(pk=firewall.pk, applied=seen.applied)
    if last.revision.number == takeover.HAD:
        takeover.record_given_back(last)
        seen.applied = None
    elif row.update(applied=last.revision):
        seen.applied = last.revision


def record_drift(firewall: Firewall, inspection: Inspection) -> None:
    """Write down what differs, unless something was applied since the firewall was inspected."""
    applied = firewall.observation.applied
    if applied is None:
        return
    current = differences(applied.files, inspection)
    row = Observation.objects.filter(pk=firewall.pk, applied=applied)
    if not current:
        if row.update(drifted_at=None, drift=""):
            Drift.objects.filter(firewall=firewall).delete()
            carrying.looked(firewall.pk, applied.files)
        return
    if row.update(drift=_names(current), drifted_at=Coalesce("drifted_at", Now())):
        _replace(firewall, current)


def _names(current: Differences) -> str:
    """What differs, a name a line."""
    return "\n".join(name[:LONGEST_NAME] for name in current)


def _replace(firewall: Firewall, current: Differences) -> None:
    """Write down what differs, and since when, where it is not what differed before."""
    there = Drift.objects.filter(firewall=firewall)
    found = {"found": current, "digest": digest(current), "found_at": Now()}
    if not there.filter(digest=found["digest"]).exists():
        there.update_or_create(firewall=firewall, defaults=found)


def accept(firewall: Firewall, by: str, seen: str = "") -> None:
    """Take what differs for right, until something changes there again or is pushed.

    `seen`: the digest of the differences that were shown, where they were. Raises ValidationError.
    """
    with operation(f"drift of {firewall} was accepted"), transaction.atomic():
        lock_keys(Firewall, [firewall.pk])
        rows = Drift.objects.filter(firewall__observation__drifted_at__isnull=False)
        drift = rows.filter(firewall=firewall).first()
        if drift is None or drift.acceptance:
            raise ValidationError(
                "It has not drifted, so there is nothing to accept.", code="no_drift"
            )
        if seen and seen != drift.digest:
            raise ValidationError(
                "Something else differs by now; look at it again. Nothing was accepted.",
                code="changed",
            )
        decision = {"digest": drift.digest, "accepted_at": Now(), "accepted_by": by}
        AcceptedDrift.objects.update_or_create(firewall=firewall, defaults=decision)
