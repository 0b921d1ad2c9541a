"""How each of the demo's firewalls comes into its state: by pushes, changes, mishaps and checks.

And a rollout into its: by somebody who paused it.
"""

import time
from collections.abc import Callable
from contextlib import nullcontext

from django.conf import settings
from django.db import transaction

from config.demo import mishaps, serving
from config.demo.world import SILENT
from firewalls import tasks
from firewalls.allocation import join
from firewalls.device import practice
from firewalls.models import Firewall, Push, Rollout
from firewalls.pushing import claiming, engine
from firewalls.pushing.rollouts import starting, steering
from networks.models import Network

BY = "demo"
CAUSE = "Push again after the maintenance of the spines"
ROLLED_OUT = ("tiny-fw", "shop-fw", "storage-fw")
PUSH_SECONDS = 60


def in_sync(firewall: Firewall) -> None:
    """Push its configuration, as a worker does, or wait for the worker that was faster."""
    push = Push.objects.enqueue(firewall, by=BY)
    claimed = claiming.claim_push(push.pk)
    if claimed:
        engine.run(claimed)
        return
    deadline = time.monotonic() + PUSH_SECONDS
    while Push.objects.open().filter(pk=push.pk).exists() and time.monotonic() < deadline:
        time.sleep(0.2)


def pending(firewall: Firewall) -> None:
    """Let it join another network after its push."""
    in_sync(firewall)
    join(firewall, Network.objects.get(pk="tiny-shared"), by=BY)


def failed(firewall: Firewall) -> None:
    """Put a file where its FRR folder should be, so that it cannot apply its configuration."""
    frr = settings.PRACTICE / firewall.name / "etc" / "frr"
    if frr.is_dir():
        mishaps.block_folder(frr)
    in_sync(firewall)


def drifted(firewall: Firewall) -> None:
    """Change a file by hand after the push, and let a check notice it."""
    in_sync(firewall)
    mishaps.edit_by_hand(settings.PRACTICE / firewall.name / "etc" / "nftables.conf")
    tasks.check(str(firewall.pk))


def unreachable(firewall: Firewall) -> None:
    """Let it stop answering after its push, and let a check notice it."""
    in_sync(firewall)
    Firewall.objects.filter(pk=firewall.pk).update(port=SILENT)
    tasks.check(str(firewall.pk))


# A firewall that is not named here was allocated a moment ago, and nothing was pushed to it yet
# (lab-fw).
STATES: dict[str, Callable[[Firewall], None]] = {
    "storage-fw": in_sync,
    "shop-fw": in_sync,
    "analytics-fw": in_sync,
    "tiny-fw": in_sync,
    "muc-fw": in_sync,
    "batch-fw": pending,
    "muc-fw-2": failed,
    "analytics-fw-2": drifted,
    "dead-fw": unreachable,
}


def establish() -> None:
    """Bring each of the demo's firewalls into its state; one that was pushed to before stays."""
    running = serving.running_port()
    port = running or practice.port(settings.PRACTICE)
    serving.point_firewalls_at(port)
    untouched = Firewall.objects.filter(practice=True, pushes=None, machine__name__in=STATES)
    firewalls = list(untouched.select_related("machine__primary"))
    needs_server = bool(firewalls) and not running
    with serving.practice_server(port) if needs_server else nullcontext():
        for firewall in firewalls:
            establish_state = STATES[firewall.name]
            establish_state(firewall)
        if firewalls and not Rollout.objects.exists():
            pause_a_rollout()


def pause_a_rollout() -> None:
    """Begin a rollout whose first firewall is confirmed, and which is paused for a look at it."""
    members = [Firewall.objects.get(machine__name=name) for name in ROLLED_OUT]
    with transaction.atomic():  # no worker sees it before it is paused
        rollout = starting.start(members, cause=CAUSE, by=BY, sizes=[1, "rest"])
        first = Push.objects.open().get(members__rollout=rollout)
        claimed = claiming.claim_push(first.pk)
        steering.pause(rollout, BY)
    if claimed:
        engine.run(claimed)
