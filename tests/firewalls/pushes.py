"""Pushing as a worker does, in this process."""

from firewalls import tasks
from firewalls.models import Firewall, Push, Revision


def push(firewall: Firewall, revision: Revision | None = None) -> Push:
    """Ask for a push, and have it run; gives the row as it is afterwards."""
    current = Firewall.objects.get(pk=firewall.pk)
    queued = Push.objects.enqueue(current, by="ada", revision=revision)
    tasks.work()
    queued.refresh_from_db()
    return queued


def state(firewall: Firewall) -> str:
    return Firewall.objects.with_state().get(pk=firewall.pk).state
