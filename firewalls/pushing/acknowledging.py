"""Acknowledging: a person says that a cause of trouble is known; that ends by itself."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from firewalls.models import Acknowledgement, AcknowledgementQuerySet
from firewalls.pushing.causes import Cause, causes
from networks.common.audit import operation
from networks.common.validation import InUse
from networks.common.violations import Violation


def acknowledge(state: str, reason: str, *, by: str, note: str, until: datetime) -> Acknowledgement:
    """Say that this cause is known, for the firewalls that it has now. Raises ValidationError.

    Acknowledged already, it is so with this note, to this time, and for those of now.
    """
    cause = cause_of(state, reason)
    if cause is None:
        sentence = "No firewall is in this trouble any more, so there is nothing to acknowledge."
        raise InUse([Violation("state", "gone", sentence)])
    with operation(f"acknowledged: {cause.sentence}", note), transaction.atomic():
        same = Acknowledgement.objects.filter(state=state, reason=reason)
        row = same.first() or Acknowledgement(state=state, reason=reason)
        row.firewalls, row.since = sorted(cause.members), timezone.now()
        row.note, row.until, row.acknowledged_by = note, until, by
        row.save()
    return row


def cause_of(state: str, reason: str) -> Cause | None:
    """This cause, if there is such trouble now."""
    return next((one for one in causes() if (one.state, one.reason) == (state, reason)), None)


def end_over() -> None:
    """Remove the acknowledgements whose time has come, and those whose cause is gone.

    What remains speaks of the firewalls that have been in the trouble ever since.
    """
    rows = list(Acknowledgement.objects.all())
    members = {(one.state, one.reason): one.members for one in causes()} if rows else {}
    for row in rows:
        still = members.get((row.state, row.reason), set())
        left = [one for one in row.firewalls if one in still]
        if row.until <= timezone.now():
            _end(row, "its time is over")
        elif not left:
            _end(row, "its cause is gone")
        elif left != row.firewalls:
            _as_read(row).update(firewalls=left)


def _end(row: Acknowledgement, why: str) -> None:
    with operation(f"an acknowledgement has ended by itself: {why}"), transaction.atomic():
        _as_read(row).delete()


def _as_read(row: Acknowledgement) -> AcknowledgementQuerySet:
    """The row, unless somebody has acknowledged the same anew meanwhile."""
    return Acknowledgement.objects.filter(pk=row.pk, since=row.since)
