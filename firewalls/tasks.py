"""What the workers do. What is to be done are rows; a task takes none, and the next round of reconcile is the retry."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from celery import shared_task
from celery.signals import worker_shutting_down
from django.db import transaction

from firewalls.intent import changes, revisions
from firewalls.models import Firewall, Push, Rollout
from firewalls.pushing import ledger, rollouts
from firewalls.pushing.engine import engine

if TYPE_CHECKING:
    from celery.app.task import Task


@shared_task(ignore_result=True)
def reconcile() -> None:
    """Note what is wanted where something changed, queue again what was lost, lead on the rollouts, and push where that goes by itself."""
    changes.catch_up()
    Push.objects.requeue_lost()
    for rollout in Rollout.objects.filter(state=Rollout.State.RUNNING).values_list("pk", flat=True):
        rollouts.advance(rollout)
    for firewall in Firewall.objects.behind():
        Push.objects.enqueue(firewall, by="reconcile")
    after_commit(work)


@shared_task(ignore_result=True)
def work() -> None:
    """Push what waits, and look at what is due, until there is nothing left. Safe to ask for at any time."""
    engine.work()


@shared_task(ignore_result=True)
def check(*firewalls: str) -> None:
    """Look for drift on these firewalls, now."""
    ledger.inspect_now(map(UUID, firewalls))
    engine.work()


@shared_task(ignore_result=True)
def prune() -> None:
    """Forget the configurations that are long out of use."""
    revisions.prune()


@worker_shutting_down.connect
def close(**kwargs: Any) -> None:
    """A worker that is asked to stop brings to an end what it has begun, and begins nothing more."""
    engine.closing = True


def after_commit(task: "Task[..., None]", *arguments: str) -> None:
    """Send the task once what it is about is committed. A broker that is down fails no request: reconcile finds the work."""
    transaction.on_commit(partial(task.apply_async, arguments), robust=True)


def inspect_soon(firewalls: Iterable[Firewall]) -> None:
    """Have these firewalls looked at soon: noted on them, so that no lost message forgets it."""
    ledger.inspect_now(firewall.pk for firewall in firewalls)
    after_commit(work)
