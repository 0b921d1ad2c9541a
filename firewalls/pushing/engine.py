"""The engine: all pushes of a worker process on one event loop, any of whose processes may die at any step."""

import asyncio
import contextvars
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connections

from firewalls.device import transport
from firewalls.device.transport import Outcome, TransportError
from firewalls.models import Firewall, Push
from firewalls.models.push import HEARTBEAT_SECONDS
from firewalls.pushing import ledger
from firewalls.pushing.ledger import ClaimLost, InspectionJob, PushJob

log = logging.getLogger(__name__)

CAPACITY, MOST_LOOKS = 200, 50  # at once, per process
TICK, TOGETHER = (
    0.2,
    0.02,
)  # seconds: how often progress is written down; how long to wait for others that end too
PATIENCE = 120.0  # seconds for which a database that is away is waited for

P = ParamSpec("P")
R = TypeVar("R")
Task = asyncio.Task["Outcome | transport.Inspection | TransportError | None"]


class Engine:
    """Pushes what waits. In one process, one thread does; whoever asks meanwhile makes it look again."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity, self.closing = capacity, False
        self._asked, self._busy = threading.Event(), threading.Lock()

    def work(self) -> None:
        """Push and look until nothing waits any more, or leave it to the thread that does so already."""
        self._asked.set()
        while self._asked.is_set() and not self.closing and self._busy.acquire(blocking=False):
            try:
                self._asked.clear()
                asyncio.run(self._flight([]))
            finally:
                self._busy.release()

    def bring(self, jobs: Sequence[PushJob]) -> None:
        """Bring these to their end, and nothing else."""
        asyncio.run(self._flight(jobs, claiming=False))

    async def _flight(self, jobs: Sequence[PushJob | InspectionJob], claiming: bool = True) -> None:
        """Two threads for the database, whose connections end with the flight: one that works, and one that says that it lives."""
        held = _Held()
        with ThreadPoolExecutor(1, "ledger") as thread, ThreadPoolExecutor(1, "pulse") as other:
            database, pulse = _Database(thread), _Database(other)
            beating = asyncio.create_task(_beat(held, pulse))
            try:
                await self._fly(jobs, claiming, database, held)
            finally:
                beating.cancel()
                await pulse(connections.close_all)
                await database(connections.close_all)

    async def _fly(
        self,
        jobs: Sequence[PushJob | InspectionJob],
        claiming: bool,
        database: "_Database",
        held: "_Held",
    ) -> None:
        flying = held.flying
        beaten = 0.0
        if claiming:
            jobs = await database(self._claimed, held, 0)
        while jobs or flying:
            flying |= {asyncio.create_task(_run(job)): job for job in jobs}
            await asyncio.wait(flying, timeout=TICK, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(TOGETHER)
            ended = [task for task in flying if task.done()]
            for task in ended:
                await database(_settle, flying[task], task.result())
                del flying[task]
            pushing = [job for job in flying.values() if isinstance(job, PushJob)]
            if pushing and (
                time.monotonic() - beaten > HEARTBEAT_SECONDS or any(job.changed for job in pushing)
            ):
                await database(ledger.record_progress, pushing)
                beaten = time.monotonic()
            jobs = []
            if claiming and not self.closing and (ended or self._asked.is_set()):
                self._asked.clear()
                jobs = await database(self._claimed, held, len(flying) - len(pushing))

    def _claimed(self, held: "_Held", looking: int) -> "list[PushJob | InspectionJob]":
        """What waits and is ours now. To render and to check many takes longer than a worker may be silent."""
        room = self.capacity - len(held.flying)
        held.preparing = Push.objects.claim_some(room) if room > 0 else []
        try:
            jobs: list[PushJob | InspectionJob] = list(ledger.prepared(held.preparing))
            return jobs + list(
                ledger.claim_inspections(min(MOST_LOOKS - looking, room - len(jobs)))
            )
        finally:
            held.preparing = []


@dataclass
class _Held:
    """The pushes of a flight: those that are being prepared, and, with the looks, those under way."""

    preparing: list[Push] = field(default_factory=list)
    flying: dict[Task, PushJob | InspectionJob] = field(default_factory=dict)

    def pushes(self) -> list[Push]:
        return self.preparing + [
            job.push for job in self.flying.values() if isinstance(job, PushJob)
        ]


async def _beat(held: _Held, database: "_Database") -> None:
    """Write down that the worker of these lives, again and again, however long the other thread is busy."""
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        try:
            if pushes := held.pushes():
                await database.once(ledger.record_heartbeat, pushes)
        except Error:
            await database.once(connections.close_all)


class _Database:
    """Work on the database in its one thread, tried again while the database is away."""

    def __init__(self, thread: ThreadPoolExecutor) -> None:
        self.thread, self.context = thread, contextvars.copy_context()

    async def __call__(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return await self.once(work, *args, **kwargs)
            except (OperationalError, InterfaceError) as error:
                if time.monotonic() > deadline:
                    raise
                log.warning(
                    "The database is away (%s); trying again.",
                    str(error).strip().splitlines()[0] if str(error) else error,
                )
                await self.once(connections.close_all)
                await asyncio.sleep(0.5)

    async def once(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self.thread, lambda: self.context.run(work, *args, **kwargs)
        )


def _key() -> Path | None:
    """The file of the product's own key; none if an agent holds it."""
    return None if settings.SSH_AGENT else Path(settings.SSH_KEY)


async def _run(
    job: PushJob | InspectionJob,
) -> "Outcome | transport.Inspection | TransportError | None":
    """How it ended. None if it belongs to somebody else by now."""
    try:
        if isinstance(job, InspectionJob):
            return await transport.inspect(job.where, key_path=_key())
        return await transport.push(job.where, job.files, job.told, key_path=_key())
    except ClaimLost:
        return None
    except TransportError as error:
        return error
    except Exception as error:
        log.exception("Something unforeseen went wrong with %s.", job.where)
        return TransportError(
            f"Something unforeseen went wrong here ({type(error).__name__}); see the log.",
            here=True,
        )


def _settle(
    job: PushJob | InspectionJob, found: "Outcome | transport.Inspection | TransportError | None"
) -> None:
    if isinstance(job, InspectionJob):
        assert isinstance(found, transport.Inspection | TransportError)
        ledger.record_inspection(job.firewall, found)
    elif isinstance(found, TransportError) and found.here:
        ledger.refuse(job.push, str(found), list(job.steps.values()))
    elif isinstance(found, TransportError):
        ledger.settle(
            job.push,
            Outcome("failed", str(found), found.unreachable, found.offered_key),
            list(job.steps.values()),
        )
    elif isinstance(found, Outcome):
        ledger.settle(job.push, found, list(job.steps.values()))


engine = Engine()


def run(push: Push) -> None:
    """Bring one claimed push to its end, here and now."""
    engine.bring(ledger.prepared([push]))


def check(firewall: Firewall) -> None:
    """Look at one firewall, here and now."""
    job = InspectionJob(firewall, ledger.target(firewall))
    _settle(job, asyncio.run(_run(job)))
