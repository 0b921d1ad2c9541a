"""Every state of a firewall, brought about as it comes about in life: by pushes, changes, mishaps and checks."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from functools import partial

from django.conf import settings

from config.demo import world
from firewalls import tasks
from firewalls.allocation import join
from firewalls.device import practice
from firewalls.models import Firewall, Push
from firewalls.pushing import claiming, engine
from networks.models import Network

BY = "demo"
WAIT_SECONDS, END_SECONDS = 60, 10


def in_sync(firewall: Firewall) -> None:
    """Push its configuration, as a worker does, or wait for the worker that was faster."""
    push = Push.objects.enqueue(firewall, by=BY)
    if claimed := claiming.claim_push(push.pk):
        engine.run(claimed)
        return
    deadline = time.monotonic() + WAIT_SECONDS
    while Push.objects.open().filter(pk=push.pk).exists() and time.monotonic() < deadline:
        time.sleep(0.2)


def pending(firewall: Firewall) -> None:
    """It joined another network after its push."""
    in_sync(firewall)
    join(firewall, Network.objects.get(pk="tiny-shared"), by=BY)


def failed(firewall: Firewall) -> None:
    """Where its FRR folder should be lies a file, so it cannot write its configuration, and goes back."""
    etc = settings.PRACTICE / firewall.name / "etc"
    if (etc / "frr").is_dir():
        (etc / "frr").rmdir()
        (etc / "frr").write_text("left behind by an upgrade that broke off\n")
    in_sync(firewall)


def drifted(firewall: Firewall) -> None:
    """Somebody changed a file by hand after the push; a check finds it."""
    in_sync(firewall)
    with (settings.PRACTICE / firewall.name / "etc" / "nftables.conf").open("a") as file:
        file.write(
            "\n# 03:12, by hand, until the incident is over\ninsert rule inet metal forward counter accept\n"
        )
    tasks.check(str(firewall.pk))


def unreachable(firewall: Firewall) -> None:
    """It was in sync, and does not answer any more; a check finds it."""
    in_sync(firewall)
    Firewall.objects.filter(pk=firewall.pk).update(port=world.SILENT)
    tasks.check(str(firewall.pk))


# A firewall that is not named here was allocated a moment ago, and nothing was pushed to it yet (lab-fw).
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


def show() -> None:
    """Bring each of the demo's firewalls into its state; one that was pushed to before is left as it is."""
    running = world.listening()
    number = running or practice.port(settings.PRACTICE)
    world.house(number)
    untouched = Firewall.objects.filter(practice=True, pushes=None, machine__name__in=STATES)
    firewalls = list(untouched.select_related("machine__primary"))
    with nullcontext() if running or not firewalls else server(number):
        for firewall in firewalls:
            STATES[firewall.name](firewall)


@contextmanager
def server(number: int) -> Iterator[None]:
    """The practice server, in a thread of its own, for as long as the block runs; what it has begun it ends."""
    started: Future[Callable[[], object]] = Future()
    thread = threading.Thread(
        target=asyncio.run, args=[_serve(number, started)], name="practice", daemon=True
    )
    thread.start()
    stop = started.result(WAIT_SECONDS)
    try:
        yield
    finally:
        stop()
        thread.join(WAIT_SECONDS)


async def _serve(number: int, started: Future[Callable[[], object]]) -> None:
    """Serve until what `started` is told is called."""
    stopped = asyncio.Event()
    try:
        listener = await practice.serve(settings.PRACTICE, settings.SSH_KEY, number)
    except BaseException as problem:
        started.set_exception(problem)
        return
    started.set_result(partial(asyncio.get_running_loop().call_soon_threadsafe, stopped.set))
    await stopped.wait()
    listener.close()
    # Who asked last has the answer already, while its applier is still about to end.
    if rest := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(rest, timeout=END_SECONDS)
