"""Every state of a firewall, reached as in life: by pushes, changes, mishaps and checks."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from functools import partial

from django.conf import settings

from config.demo import world
from config.demo.mishaps import CHANGED_BY_HAND, LEFT_BEHIND, SILENT_PORT
from firewalls import tasks
from firewalls.allocation import join
from firewalls.device import practice
from firewalls.models import Firewall, Push
from firewalls.pushing import engine
from networks.models import Network

BY = "demo"
WAIT_SECONDS, END_SECONDS = 60, 10


def in_sync(firewall: Firewall) -> None:
    """Push its configuration, as a worker does, or wait for the worker that was faster."""
    push = Push.objects.enqueue(firewall, by=BY)
    claimed = Push.objects.claim(push.pk)
    if claimed:
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
    """A file lies where its FRR folder should be, so it cannot write its files and goes back."""
    etc = settings.PRACTICE / firewall.name / "etc"
    if (etc / "frr").is_dir():
        (etc / "frr").rmdir()
        (etc / "frr").write_text(LEFT_BEHIND)
    in_sync(firewall)


def drifted(firewall: Firewall) -> None:
    """Somebody changed a file by hand after the push; a check finds it."""
    in_sync(firewall)
    with (settings.PRACTICE / firewall.name / "etc" / "nftables.conf").open("a") as file:
        file.write(CHANGED_BY_HAND)
    tasks.check(str(firewall.pk))


def unreachable(firewall: Firewall) -> None:
    """It was in sync, and does not answer any more; a check finds it."""
    in_sync(firewall)
    Firewall.objects.filter(pk=firewall.pk).update(port=SILENT_PORT)
    tasks.check(str(firewall.pk))


# The firewall that is not named here, lab-fw, was allocated a moment ago: nothing was pushed to it.
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
    """Bring each of the demo's firewalls into its state, unless it was pushed to before."""
    running = world.running_server()
    number = running or practice.port(settings.PRACTICE)
    world.point_to_server(number)
    untouched = Firewall.objects.filter(practice=True, pushes=None, machine__name__in=STATES)
    firewalls = list(untouched.select_related("machine__primary"))
    is_server_needed = bool(firewalls) and not running
    with server(number) if is_server_needed else nullcontext():
        for firewall in firewalls:
            STATES[firewall.name](firewall)


@contextmanager
def server(number: int) -> Iterator[None]:
    """The practice server in a thread, for as long as the block runs; what it has begun it ends."""
    started: Future[Callable[[], object]] = Future()  # the result stops it
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
    """Serve until the result of `started` is called."""
    stopped = asyncio.Event()
    try:
        listener = await practice.serve(settings.PRACTICE, settings.SSH_KEY, number)
    except BaseException as problem:
        started.set_exception(problem)
        return
    started.set_result(partial(asyncio.get_running_loop().call_soon_threadsafe, stopped.set))
    await stopped.wait()
    listener.close()
    # The last client has its answer already, while its applier is still about to end.
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=END_SECONDS)
