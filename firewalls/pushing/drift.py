"""Drift: what is on a firewall is not what was applied.

A push puts it right, or somebody accepts it until something changes there again.
"""

from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Coalesce, Now

from firewalls.device.transport import Inspection
from firewalls.models import Drift, Firewall, Observation
from firewalls.models.drift import Differences, digest
from networks.common.audit import operation

MOST_NAMES, LONGEST_NAME = 50, 200


def differences(applied: Mapping[str, str], inspection: Inspection) -> Differences:
    """What differs: managed files, and what runs in the kernel and in FRR."""
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
    return files | running


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
        return
    accepted = _is_accepted(firewall, current)
    drifted_at = None if accepted else Coalesce("drifted_at", Now())
    if row.update(drift=_names(current), drifted_at=drifted_at) and not accepted:
        _replace(firewall, current)


def _names(current: Differences) -> str:
    """What differs, a name a line: as many as fit a page, whatever a firewall says."""
    names = [name[:LONGEST_NAME] for name in current]
    more = len(names) - MOST_NAMES
    return "\n".join([*names[:MOST_NAMES], f"and {more:,} more"] if more > 0 else names)


def _is_accepted(firewall: Firewall, current: Differences) -> bool:
    """Whether somebody has accepted exactly these differences."""
    accepted = Drift.objects.filter(firewall=firewall, accepted_at__isnull=False)
    return accepted.filter(digest=digest(current)).exists()


def _replace(firewall: Firewall, current: Differences) -> None:
    fields = {
        "found": current,
        "digest": digest(current),
        "accepted_at": None,
        "accepted_by": "",
    }
    Drift.objects.update_or_create(
        firewall=firewall, defaults=fields, create_defaults=fields | {"found_at": Now()}
    )


def accept(firewall: Firewall, by: str) -> None:
    """Take what differs for right, until something changes there again or is pushed.

    Raises ValidationError.
    """
    with operation(f"drift of {firewall} was accepted"), transaction.atomic():
        row = Observation.objects.filter(pk=firewall.pk)
        locked = row.select_for_update(no_key=True)
        drifted = locked.exclude(drifted_at=None).exists()
        drift = Drift.objects.filter(firewall=firewall)
        if not drifted or not drift.update(accepted_at=Now(), accepted_by=by):
            raise ValidationError(
                "It has not drifted, so there is nothing to accept.", code="no_drift"
            )
        row.update(drifted_at=None)
