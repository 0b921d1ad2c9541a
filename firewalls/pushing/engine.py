"""The engine: all pushes and inspections of a worker process, together on one event loop.

The process may die at any step: what it had claimed is claimed by others then.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from firewalls.device import transport
from firewalls.device.transport import Inspection, Outcome, Survey, TransportError
from firewalls.models import Push
from firewalls.pushing import claiming, preparing, recording, settling, takeover
from firewalls.pushing.appliers import record_version
from firewalls.pushing.claiming import HEARTBEAT_SECONDS
from firewalls.pushing.database import DatabaseThread
from firewalls.pushing.jobs import ClaimLost, InspectionJob, PushJob

log = logging.getLogger(__name__)

# At once, per process.
CAPACITY = 200
MOST_INSPECTIONS = 50
# In seconds: how often progress is written down, and how long others may take to end together.
TICK = 0.2
TOGETHER = 0.02

Job = PushJob | InspectionJob
Result = Outcome | Inspection | Survey | TransportError | None


@dataclass
class InFlight:
    """What this worker has claimed: pushes being prepared, and jobs by the task that runs them."""

    preparing: list[Push] = field(default_factory=list)
    jobs: dict["asyncio.Task[Result]", Job] = field(default_factory=dict)
    written_at: float = 0.0  # when progress was last written down, by the monotonic clock

    @property
    def push_jobs(self) -> list[PushJob]:
        return [job for job in self.jobs.values() if isinstance(job, PushJob)]

    @property
    def pushes(self) -> list[Push]:
        return self.preparing + [job.push for job in self.push_jobs]

    def progress_is_due(self) -> bool:
        silent_for = time.monotonic() - self.written_at
        return silent_for > HEARTBEAT_SECONDS or any(job.has_news for job in self.push_jobs)


class Engine:
    """Runs what waits, in one thread of a process; callers meanwhile make it look for more."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.closing = False
        self._woken = threading.Event()
        self._busy = threading.Lock()

    def wake(self) -> None:
        """Have the thread that works look for more as soon as it can."""
        self._woken.set()

    def work(self) -> None:
        """Push and inspect until nothing waits, or leave it to the thread that does so already."""
        self.wake()
        while self._woken.is_set() and not self.closing and self._busy.acquire(blocking=False):
            try:
                self._woken.clear()
                asyncio.run(self._fly([], claiming=True))
            finally:
                self._busy.release()

    def run(self, jobs: Sequence[PushJob]) -> None:
        """Run these to their end, and nothing else."""
        asyncio.run(self._fly(jobs, claiming=False))

    async def _fly(self, jobs: Sequence[Job], *, claiming: bool) -> None:
        """Two threads for the database: one that works, and one that says that the worker lives."""
        in_flight = InFlight()
        async with DatabaseThread("database") as database, DatabaseThread("pulse") as pulse:
            beating = asyncio.create_task(_beat(in_flight, pulse))
            try:
                if claiming:
                    jobs = await database.run(self._claim, in_flight)
                while jobs or in_flight.jobs:
                    ended = await _run_for_a_tick(jobs, in_flight, database)
                    jobs = []
                    if claiming and not self.closing and (ended or self._woken.is_set()):
                        self._woken.clear()
                        jobs = await database.run(self._claim, in_flight)
            finally:
                beating.cancel()

    def _claim(self, in_flight: InFlight) -> list[Job]:
        """What waits and is ours now.

        To render and check many takes longer than a worker may be silent: meanwhile they are in
        flight too.
        """
        room = self.capacity - len(in_flight.jobs)
        inspections = len(in_flight.jobs) - len(in_flight.push_jobs)
        in_flight.preparing = claiming.claim_pushes(room) if room > 0 else []
        try:
            pushes = preparing.prepare(in_flight.preparing)
            most = min(MOST_INSPECTIONS - inspections, room - len(pushes))
            return [*pushes, *claiming.claim_inspections(most)]
        finally:
            in_flight.preparing = []


async def _run_for_a_tick(
    jobs: Sequence[Job], in_flight: InFlight, database: DatabaseThread
) -> bool:
    """Start these jobs, and write down what comes of all in flight; whether any has ended."""
    for job in jobs:
        in_flight.jobs[asyncio.create_task(_run(job))] = job
    await asyncio.wait(in_flight.jobs, timeout=TICK, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(TOGETHER)
    ended = [task for task in in_flight.jobs if task.done()]
    for task in ended:
        await _settle_alone(in_flight.jobs[task], task.result(), database)
        del in_flight.jobs[task]
    if in_flight.push_jobs and in_flight.progress_is_due():
        await _record_progress(in_flight.push_jobs, database)
        in_flight.written_at = time.monotonic()
    return bool(ended)


async def _beat(in_flight: InFlight, pulse: DatabaseThread) -> None:
    """Write down again and again that their worker lives, however long the other thread is busy."""
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        if pushes := in_flight.pushes:
            await pulse.try_once(recording.record_heartbeat, pushes)


async def _run(job: Job) -> Result:
    """How it ended; None if it belongs to another worker by now."""
    key_path = None if settings.SSH_AGENT else Path(settings.SSH_KEY)
    try:
        if isinstance(job, InspectionJob):
            look = transport.inspect if job.may_have_ours else transport.survey
            return await look(job.target, key_path=key_path)
        return await transport.push(
            job.target, job.files, job.record_step, key_path=key_path, order=job.order
        )
    except ClaimLost:
        return None
    except TransportError as error:
        return error
    except Exception as error:
        log.exception("Something unforeseen went wrong with %s.", job.target)
        return TransportError(
            f"Something unforeseen went wrong here ({type(error).__name__}); see the log.",
            local=True,
        )


async def _settle_alone(job: Job, result: Result, database: DatabaseThread) -> None:
    """Write down what came of a job. Where that cannot be written, this job fails and no other."""
    try:
        await database.run(_settle, job, result)
    except Exception as error:
        log.exception("What came of %s could not be written down.", job.target)
        try:
            await database.run(_settle_unwritable, job, type(error).__name__)
        except Exception:
            # Its row is as it was: it is claimed again once it is found to be silent, or due.
            log.exception("Nor could it be written down that %s went wrong.", job.target)


def _settle(job: Job, result: Result) -> None:
    match job, result:
        case PushJob(), Outcome() | TransportError():
            record_version(job.push.firewall, job.version)
            if job.survey is not None:
                takeover.record_survey(job.push.firewall, job.survey)
            settling.settle(job.push, result, job.step_list)
        case InspectionJob(), Inspection() | Survey() | TransportError():
            if isinstance(result, Inspection):
                record_version(job.firewall, result.version)
            recording.record_inspection(job.firewall, result)


def _settle_unwritable(job: Job, error: str) -> None:
    reason = f"What {job.target} said could not be written down ({error}); see the log."
    if isinstance(job, PushJob):
        settling.give_up(job.push, reason)
    else:
        recording.record_refusal(job.firewall, reason)


async def _record_progress(jobs: list[PushJob], database: DatabaseThread) -> None:
    """Of all at once; if one cannot be written down, of each by itself, and that one's never."""
    try:
        await database.run(recording.record_progress, jobs)
    except Exception:
        for job in jobs:
            try:
                await database.run(recording.record_progress, [job])
            except Exception:
                log.exception("The steps of the push to %s cannot be written down.", job.target)
                job.unwritable = True


engine = Engine()


def run(push: Push) -> None:
    """Run one claimed push to its end, here and now."""
    engine.run(preparing.prepare([push]))
