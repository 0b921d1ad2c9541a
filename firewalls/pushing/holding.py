"""Holding: a person says that nothing is pushed to a firewall, and ends that, or its time does."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction

from firewalls.models import Firewall, Hold, Member, Push, Rollout, lock_firewall, lock_firewalls
from firewalls.pushing import rollouts
from networks.common.audit import operation
from networks.common.validation import InUse
from networks.common.violations import Violation


def hold(firewall: Firewall, *, by: str, reason: str, until: datetime | None = None) -> Hold:
    """Have no push to it start from now on; what runs goes to its end. Raises ValidationError.

    A push that waits is withdrawn, and rollouts pass the firewall over. Held already, it is held
    with this reason and to this time.
    """
    with operation(f"{firewall} is held", reason), transaction.atomic():
        lock_firewall(firewall)
        Hold.objects.over().filter(firewall=firewall).delete()
        row = Hold.objects.filter(firewall=firewall).first() or Hold(firewall=firewall)
        row.reason, row.until, row.held_by = reason, until, by
        row.save()
        for rollout in _withdraw(firewall, row):
            # Rollouts are locked before firewalls. Should this process die, reconcile does it.
            transaction.on_commit(partial(rollouts.advance, rollout), robust=True)
    return row


def _withdraw(firewall: Firewall, row: Hold) -> list[UUID]:
    """Take back its push that nobody has begun; the rollouts that wait for that."""
    withdrawn = Push.objects.open().filter(firewall=firewall).withdraw(row.sentence)
    members = Member.objects.filter(firewall=firewall, push__in=withdrawn)
    running = members.filter(rollout__state=Rollout.State.RUNNING)
    waiting = list(running.values_list("rollout", flat=True))
    members.update(push=None)  # They wait for their turn again.
    return waiting


def end(firewall: Firewall) -> None:
    """Let pushes start again. Raises ValidationError."""
    with operation(f"{firewall} is held no more"), transaction.atomic():
        lock_firewall(firewall)
        deleted, _ = Hold.objects.in_force().filter(firewall=firewall).delete()
        if not deleted:
            raise InUse([Violation("hold", "not_held", f"{firewall} is not held.")])


def end_over() -> None:
    """Remove the holds whose time has come; they are in force no more already."""
    over = list(Hold.objects.over().values_list("firewall", flat=True))
    if over:
        with operation("a hold has ended by itself"), transaction.atomic():
            _remove(lock_firewalls(over))


def _remove(firewalls: Iterable[UUID]) -> None:
    Hold.objects.over().filter(firewall__in=list(firewalls)).delete()
