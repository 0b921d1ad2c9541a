"""Changed rows wake the workers, and a firewall that goes is remembered by its rollouts.

A message carries nothing; one that is missed costs a beat.
"""

import threading
from contextlib import suppress
from typing import Any

from django.apps import AppConfig
from django.apps import apps as all_apps
from django.db import models, transaction
from django.db.models.signals import (
    post_delete,
    post_migrate,
    post_save,
    pre_delete,
    pre_migrate,
)
from django.dispatch import receiver

from firewalls import tasks
from firewalls.intent import laws
from firewalls.models import (
    Attachment,
    Choice,
    Endpoint,
    Firewall,
    Member,
    Push,
    Rollout,
    Rule,
    SshAccess,
    Touched,
)
from networks.common.postgres import judging
from networks.models import Address, Network, Partition, Prefix

WAKING = (Network, Prefix, Address, Partition, Attachment, Rule, Endpoint)


@receiver([post_save, post_delete])
def wake(
    sender: type[models.Model], instance: models.Model, raw: bool = False, **kwargs: Any
) -> None:
    """Something a configuration is made of has changed."""
    if sender in WAKING and not raw and not _concerns_nobody(instance, **kwargs):
        # Robust: a broker that is down must not turn a committed change into an error.
        transaction.on_commit(_hints.current.send, robust=True)


@receiver(post_save, sender=Choice)
@receiver(post_save, sender=Push)
@receiver(post_save, sender=Rollout)
def start(raw: bool = False, **kwargs: Any) -> None:
    """Something waits to be pushed: let a worker have it now."""
    if not raw:
        tasks.after_commit(tasks.work)


@receiver(pre_delete, sender=Firewall)
def remember(instance: Firewall, **kwargs: Any) -> None:
    """Its rollouts go on saying what they did to it."""
    Member.objects.remember(instance)


@receiver([post_save, post_delete], sender=SshAccess)
def reach(instance: SshAccess, raw: bool = False, **kwargs: Any) -> None:
    """Firewalls are reached otherwise: let a worker see whether they answer now."""
    if not raw:
        tasks.look_again(instance)


@receiver(judging)
def judge(**kwargs: Any) -> None:
    """What was changed is committed only where no law is broken by it."""
    laws.judge()


@receiver(pre_migrate)
def release(**kwargs: Any) -> None:
    """A migration stands between two releases, and is judged by none."""
    laws.let_go()


@receiver(post_migrate)
def judge_again(sender: AppConfig, apps: Any = all_apps, **kwargs: Any) -> None:
    """What another release makes of the same rows is so from now on."""
    laws.take_up()
    if sender.label == "firewalls":
        with suppress(LookupError), transaction.atomic():
            apps.get_model("firewalls", "Law")  # there may be none yet
            laws.judge_all()


def _concerns_nobody(row: models.Model, *, created: bool = False, **kwargs: Any) -> bool:
    """Whether no firewall can have this in its configuration, so that nothing has to be asked.

    An address on no machine; where one comes off a firewall, what it leaves, or is itself, changes
    too. A new network, and its prefixes: nobody is in it yet.
    """
    if isinstance(row, Address):
        return row.machine_id is None
    return (isinstance(row, Network) and created) or (
        isinstance(row, Prefix) and row.of_new_network
    )


class _Hint:
    """One message for all rows that a transaction changes, each of which asks for it.

    The transaction may be rolled back: then the hint was not sent, and the next transaction of the
    thread uses it.
    """

    def __init__(self) -> None:
        self.sent = False

    def send(self) -> None:
        """Wake reconcile, unless the database has noted that what changed concerns no firewall."""
        if self.sent:
            return
        self.sent = True
        _hints.current = _Hint()
        if Touched.objects.are_there():
            tasks.after_commit(tasks.reconcile)


class _Hints(threading.local):
    """The hint of each thread, as each has a transaction of its own."""

    def __init__(self) -> None:
        self.current = _Hint()


_hints = _Hints()
