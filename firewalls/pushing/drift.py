"""Drift: what is on a firewall, compared with what was applied; put right by a push, or accepted until something changes again."""

from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Coalesce, Now

from firewalls.device.transport import Inspection
from firewalls.models import Drift, Firewall
from firewalls.models.drift import Found, digest
from networks.common.audit import operation


def differences(applied: Mapping[str, str], found: Inspection) -> Found:
    """What differs: files that were applied or lie where ours would, and what runs in the kernel and in FRR."""
    paths = sorted({*applied, *found.files})
    files = {
        path: (applied.get(path, ""), found.files.get(path, ""))
        for path in paths
        if applied.get(path) != found.files.get(path)
    }
    return files | {
        name: pair for name, pair in sorted(found.running.items()) if pair[0] != pair[1]
    }


def record_drift(firewall: Firewall, found: Inspection) -> None:
    """Write down what differs, unless something was applied since the firewall was read."""
    if firewall.applied is None:
        return
    different = differences(firewall.applied.files, found)
    row = Firewall.objects.filter(pk=firewall.pk, applied=firewall.applied)
    if not different:
        if row.update(drifted_at=None, drift=""):
            Drift.objects.filter(firewall=firewall).delete()
        return
    known = Drift.objects.filter(firewall=firewall).first()
    accepted = (
        known is not None and known.accepted_at is not None and known.digest == digest(different)
    )
    if (
        not row.update(
            drift="\n".join(different),
            drifted_at=None if accepted else Coalesce("drifted_at", Now()),
        )
        or accepted
    ):
        return
    fresh = {
        "found": different,
        "digest": digest(different),
        "accepted_at": None,
        "accepted_by": "",
    }
    Drift.objects.update_or_create(
        firewall=firewall, defaults=fresh, create_defaults=fresh | {"found_at": Now()}
    )


def accept(firewall: Firewall, by: str) -> None:
    """Take what was found for right, until the firewall changes again or is pushed to. Raises ValidationError."""
    with operation(f"drift of {firewall} was accepted"), transaction.atomic():
        drifted = (
            Firewall.objects.select_for_update(no_key=True)
            .filter(pk=firewall.pk)
            .exclude(drifted_at=None)
        )
        if not drifted.exists() or not Drift.objects.filter(firewall=firewall).update(
            accepted_at=Now(), accepted_by=by
        ):
            raise ValidationError(
                "It has not drifted, so there is nothing to accept.", code="no_drift"
            )
        Firewall.objects.filter(pk=firewall.pk).update(drifted_at=None)
