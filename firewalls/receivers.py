"""Who wakes reconcile: a changed row does. The hint carries nothing; a missed one costs a beat."""

from typing import Any

from django.db import connection, models, transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from firewalls import tasks
from firewalls.models import Attachment, Endpoint, Push, Rollout, Rule
from networks.models import Address, Network, Partition, Prefix

WAKING = (Network, Prefix, Address, Partition, Attachment, Rule, Endpoint)

# Robust: a broker that is down must not turn a committed change into an error. The next beat does what the hint would have.


@receiver([post_save, post_delete])
def wake(
    sender: type[models.Model], instance: models.Model, raw: bool = False, **kwargs: Any
) -> None:
    """Something a configuration is made of has changed."""
    if sender in WAKING and not raw and not _is_reserved(instance) and not _hinted():
        transaction.on_commit(
            _hint, robust=True
        )  # once per transaction, however many rows it changes


@receiver(post_save, sender=Push)
@receiver(post_save, sender=Rollout)
def start(raw: bool = False, **kwargs: Any) -> None:
    """Something waits to be pushed: let a worker have it now."""
    if not raw:
        tasks.after_commit(tasks.work)


def _is_reserved(row: models.Model) -> bool:
    """An address on no machine is in no configuration. Where one comes off a firewall, what it leaves, or is itself, changes too."""
    return isinstance(row, Address) and row.machine_id is None


def _hinted() -> bool:
    return any(waiting[1] is _hint for waiting in connection.run_on_commit)


def _hint() -> None:
    tasks.after_commit(tasks.reconcile)
