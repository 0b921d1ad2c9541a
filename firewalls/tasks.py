"""What the workers do. Tasks take an id or nothing; the next round of reconcile is the retry."""

from celery import shared_task

from firewalls import pushes, revisions
from firewalls.models import Firewall, Push


@shared_task(ignore_result=True)
def reconcile() -> None:
    """Note what is wanted of every firewall, queue again what was lost, and push where a partition pushes by itself."""
    Push.objects.requeue_lost()
    revisions.refresh(Firewall.objects.values_list("pk", flat=True), cause="the networks around it changed")
    behind = Firewall.objects.with_state().filter(state__in=["new", "pending"], machine__partition__auto_push=True)
    for firewall in behind.exclude(host=""):
        Push.objects.enqueue(firewall, by="reconcile")
    for push in Push.objects.filter(state=Push.State.QUEUED).exclude(firewall__pushes__state=Push.State.RUNNING):
        run_push.delay_on_commit(str(push.pk))


@shared_task(ignore_result=True)
def run_push(push_id: str) -> None:
    """Run a queued push, unless another worker has it already."""
    if push := Push.objects.claim(push_id):
        pushes.run(push)


@shared_task(ignore_result=True)
def check(firewall_id: str) -> None:
    """Look for drift on one firewall."""
    pushes.check(Firewall.objects.select_related("machine", "applied").get(pk=firewall_id))
