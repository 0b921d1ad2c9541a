"""The practice server, on which the demo's firewalls answer, while the demo is built."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial

from django.conf import settings

from config.demo.world import SILENT
from firewalls.device import practice
from firewalls.models import Firewall

START_SECONDS = 60
STOP_SECONDS = 60
LAST_APPLIER_SECONDS = 10


def running_port() -> int | None:
    """The port of the practice server that runs already, if one does."""
    with suppress(OSError, ValueError):
        port = int((settings.PRACTICE / "port").read_text())
        with socket.create_connection((practice.HOST, port), timeout=2):
            return port
    return None


def point_firewalls_at(port: int) -> None:
    """Store the practice server's port and key for every practice firewall, and make its folder.

    A firewall that is meant not to answer stays as it is.
    """
    key = practice.host_key(settings.PRACTICE)
    firewalls = Firewall.objects.filter(practice=True, host=practice.HOST).exclude(port=SILENT)
    for firewall in firewalls.select_related("machine"):
        if not (settings.PRACTICE / firewall.name).exists():
            practice.ensure_root(settings.PRACTICE, firewall.name)
        if (firewall.port, firewall.host_key) != (port, key):
            firewall.port = port
            firewall.host_key = key
            firewall.save(update_fields=["port", "host_key"])


@contextmanager
def practice_server(port: int) -> Iterator[None]:
    """Run the practice server in a thread of its own for as long as the block runs.

    Appliers that it has started by then may end.
    """
    started: Future[Callable[[], object]] = Future()
    thread = threading.Thread(
        target=asyncio.run, args=[_serve(port, started)], name="practice", daemon=True
    )
    thread.start()
    stop = started.result(START_SECONDS)
    try:
        yield
    finally:
        stop()
        thread.join(STOP_SECONDS)


async def _serve(port: int, started: Future[Callable[[], object]]) -> None:
    """Serve until somebody calls the function that is the result of `started`."""
    stopped = asyncio.Event()
    try:
        listener = await practice.serve(settings.PRACTICE, settings.SSH_KEY, port)
    except BaseException as problem:
        started.set_exception(problem)
        return
    stop = partial(asyncio.get_running_loop().call_soon_threadsafe, stopped.set)
    started.set_result(stop)
    await stopped.wait()
    listener.close()
    # The last caller has its answer already, while its applier is still about to end.
    unfinished = asyncio.all_tasks() - {asyncio.current_task()}
    if unfinished:
        await asyncio.wait(unfinished, timeout=LAST_APPLIER_SECONDS)
