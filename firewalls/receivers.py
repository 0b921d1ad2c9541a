"""Who wakes reconcile: a changed row does. The hint carries nothing; a missed one costs a beat."""

from typing import Any

from django.db import connection, models, transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from firewalls import tasks
from firewalls.models import Attachment, Push, Rule
from networks.models import Address, Network, Partition, Prefix

WAKING = (Network, Prefix, Address, Partition, Attachment, Rule)

# Robust: a broker that is down must not turn a committed change into an error. The next beat does what the hint would have.


@receiver([post_save, post_delete])
def wake(sender: type[models.Model], raw: bool = False, **kwargs: Any) -> None:
    """Something a configuration is made of has changed."""
    if sender in WAKING and not raw and all(call is not _hint for _, call, _ in connection.run_on_commit):
        transaction.on_commit(_hint, robust=True)  # once per transaction, however many rows it changes


@receiver(post_save, sender=Push)
def start(instance: Push, created: bool = False, raw: bool = False, **kwargs: Any) -> None:
    """A push waits: let a worker have it now."""
    if created and not raw:
        transaction.on_commit(lambda: tasks.run_push.delay_on_commit(str(instance.pk)), robust=True)


def _hint() -> None:
    tasks.reconcile.delay_on_commit()
