"""Firewalls are locked with their machines, which stand for all that belongs to them."""

from collections.abc import Iterable
from uuid import UUID

from firewalls.models.firewall import Firewall
from machines.models import Machine
from networks.common.locking import lock_keys
from networks.common.validation import refuse
from networks.common.violations import Violation


def lock_firewalls(firewalls: Iterable[UUID]) -> list[UUID]:
    """Keep these from being freed or changed until this transaction ends; those that exist.

    Workers that write down what they saw, or queue a push, lock the firewall's own row alone.
    """
    keys = list(firewalls)
    lock_keys(Machine, keys)
    return lock_keys(Firewall, keys)


def lock_firewall(firewall: Firewall) -> None:
    """The same for one; raises ValidationError where it was freed meanwhile."""
    if not lock_firewalls([firewall.pk]):
        refuse(Violation("firewall", "gone", f"{firewall.name} was freed meanwhile."))
