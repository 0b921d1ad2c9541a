"""What the workers do. Tasks take an id or nothing; the next round of reconcile is the retry."""

from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from celery import shared_task
from django.db import transaction

from firewalls import pushes, revisions
from firewalls.models import Firewall, Push

if TYPE_CHECKING:
    from celery.app.task import Task


@shared_task(ignore_result=True)
def reconcile() -> None:
    """Note what is wanted of every firewall, queue again what was lost, and push where a partition pushes by itself."""
    Push.objects.requeue_lost()
    revisions.refresh(Firewall.objects.values_list("pk", flat=True), cause="the networks around it changed")
    behind = Firewall.objects.in_state(Firewall.State.NEW, Firewall.State.PENDING).filter(machine__partition__auto_push=True)
    for firewall in behind.exclude(host=""):
        Push.objects.enqueue(firewall, by="reconcile")
    for push in Push.objects.filter(state=Push.State.QUEUED).exclude(firewall__pushes__state=Push.State.RUNNING):
        after_commit(run_push, str(push.pk))


@shared_task(ignore_result=True)
def run_push(push_id: str) -> None:
    """Run a queued push, unless another worker has it already."""
    if push := Push.objects.claim(push_id):
        pushes.run(push)


@shared_task(ignore_result=True)
def check(firewall_id: str) -> None:
    """Look for drift on one firewall."""
    pushes.check(Firewall.objects.select_related("machine", "applied").get(pk=UUID(firewall_id)))


def after_commit(task: "Task[..., None]", *arguments: str) -> None:
    """Send the task once what it is about is committed. A broker that is down fails no request: reconcile finds the work."""
    transaction.on_commit(partial(task.apply_async, arguments), robust=True)
