"""What the workers do. The work itself is rows: a task carries none, and reconcile comes again."""

from collections.abc import Iterable
from functools import partial, update_wrapper
from typing import Any
from uuid import UUID

from celery import Task, shared_task
from celery.signals import worker_shutting_down
from django.db import transaction

from firewalls.intent import changes, revisions
from firewalls.models import Firewall, Retired, Rollout, SshAccess
from firewalls.pushing import (
    acknowledging,
    claiming,
    holding,
    jump_hosts,
    needs,
    retiring,
    rollouts,
)
from firewalls.pushing.engine import engine


@shared_task(ignore_result=True)
def reconcile() -> None:
    """Note what is wanted where something changed, queue what was lost, advance, and push."""
    changes.catch_up()
    claiming.requeue_lost()
    holding.end_over()
    for rollout in Rollout.objects.filter(state=Rollout.State.RUNNING).values_list("pk", flat=True):
        rollouts.advance(rollout)
    rollouts.begin_behind()
    acknowledging.end_over()
    for unanswered in needs.unanswered():
        after_commit(look_at_needs, str(unanswered))
    for waiting in retiring.waiting():
        after_commit(take_off, str(waiting))
    after_commit(work)


@shared_task(ignore_result=True)
def work() -> None:
    """Push what waits and inspect what is due, until nothing is left. Safe to call at any time."""
    engine.work()


@shared_task(ignore_result=True)
def check(*firewalls: str) -> None:
    """Look for drift on these firewalls, now."""
    claiming.inspect_now(map(UUID, firewalls))
    engine.work()


@shared_task(ignore_result=True)
def look_at_needs(firewall: str) -> None:
    """Look whether a firewall has all that a push needs."""
    needs.record(UUID(firewall))


@shared_task(ignore_result=True)
def take_off(retired: str) -> None:
    """Take the configuration off a firewall that was freed."""
    retiring.take_off(UUID(retired))


@shared_task(ignore_result=True)
def prune() -> None:
    """Forget the configurations that are long out of use."""
    revisions.prune()


@worker_shutting_down.connect
def close(**kwargs: Any) -> None:
    """A worker that is asked to stop ends what it has begun, and begins nothing more."""
    engine.closing = True


def after_commit(task: "Task[..., None]", *arguments: str) -> None:
    """Send the task once what it is about is committed.

    A broker that is down fails no request: reconcile finds the work.
    """
    # Django names a callback that failed by its __qualname__, which a mere partial has not.
    send = update_wrapper(partial(task.apply_async, arguments), task.apply_async)
    transaction.on_commit(send, robust=True)


def inspect_soon(firewalls: Iterable[Firewall]) -> None:
    """Have these firewalls inspected soon; it is noted on them, so no lost message forgets it."""
    claiming.inspect_now(firewall.pk for firewall in firewalls)
    after_commit(work)


def look_again(access: SshAccess) -> None:
    """Have those looked at soon that could not be, and are reached by this from now on."""
    transaction.on_commit(partial(jump_hosts.look_again, access), robust=True)
    after_commit(work)


def ask_to_take_off(retired: Retired, by: str, *, leaves_empty: bool = False) -> None:
    """Have the configuration taken off a firewall that was freed, soon. Raises ValidationError."""
    retiring.ask(retired, by, leaves_empty=leaves_empty)
    after_commit(take_off, str(retired.pk))


def ask_needs(firewall: Firewall) -> None:
    """Have it looked at soon whether a firewall has all that a push needs."""
    needs.ask(firewall)
    after_commit(look_at_needs, str(firewall.pk))
