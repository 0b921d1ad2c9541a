"""Bringing a wanted configuration to its firewall: one push at a time each, any of whose workers may die at any step."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections, transaction
from django.utils import timezone

from firewalls import revisions, transport
from firewalls.models import Firewall, Push, Revision
from firewalls.models.push import HEARTBEAT_SECONDS
from firewalls.transport import Outcome, Step, Target, TransportError


class GivenAway(Exception):
    """The push was taken for lost and belongs to another worker now; this one stops without a word."""


def target(firewall: Firewall) -> Target:
    """Where and how the firewall is reached."""
    return Target(
        name=firewall.name, host=firewall.host, port=firewall.port, user=firewall.user,
        host_key=firewall.host_key, practice=firewall.practice,
    )  # fmt: skip


def run(push: Push) -> None:
    """Bring the push's revision, or else the latest one, to its firewall, and note how it ended."""
    began = time.monotonic()
    revision = push.revision or _latest(push)
    if revision is None:
        push.finish(Push.State.FAILED, f"{push.firewall} has no underlay address yet, so it has no configuration (R8).")
        return
    told = f"revision {revision.number}, {revision.digest[:12]}: {revision.cause}"
    steps = [asdict(Step("render", "ok", round(time.monotonic() - began, 3), told))]
    try:
        outcome = asyncio.run(_bring(push, target(push.firewall), revision.files, steps))
    except GivenAway:
        return
    except TransportError as error:
        settle(push, Outcome("failed", str(error)), unreachable=error.unreachable)
    except Exception as error:
        settle(push, Outcome("failed", f"Something unforeseen went wrong here ({type(error).__name__}); see the log."), unreachable=False)
        raise
    else:
        settle(push, outcome, unreachable=outcome.unreachable)


def _latest(push: Push) -> Revision | None:
    """What is wanted at this moment; noted on the push, for from now on it is this revision that is pushed."""
    revisions.refresh([push.firewall_id], cause="rendered for a push", by=push.requested_by)
    push.firewall.refresh_from_db(fields=["wanted"])
    push.revision = push.firewall.wanted
    Push.objects.filter(pk=push.pk, attempts=push.attempts).update(revision=push.revision)
    return push.revision


@transaction.atomic
def settle(push: Push, outcome: Outcome, *, unreachable: bool) -> None:
    """Note the verdict on the push and on its firewall, together or not at all."""
    if not push.finish(outcome.state, outcome.error):
        return
    firewall, now = Firewall.objects.filter(pk=push.firewall_id), timezone.now()
    if unreachable:
        firewall.filter(unreachable_since=None).update(unreachable_since=now)
        return
    firewall.update(unreachable_since=None, checked_at=now)
    if outcome.state == Push.State.CONFIRMED:
        firewall.update(applied=push.revision, drifted_at=None, drift="")


async def _bring(push: Push, where: Target, files: dict[str, str], steps: list[dict[str, Any]]) -> Outcome:
    """Run the transport, noting each step as it happens, and say every few seconds that this worker lives."""
    told = {step["name"]: step for step in steps}
    # One thread of its own for the database: its connection ends with the push.
    with ThreadPoolExecutor(1) as database:
        loop = asyncio.get_running_loop()

        async def on_step(step: Step) -> None:
            told[step.name] = asdict(step)
            if not await loop.run_in_executor(database, push.progress, list(told.values())):
                raise GivenAway

        async def beat() -> None:
            while True:
                await asyncio.sleep(HEARTBEAT_SECONDS)
                await loop.run_in_executor(database, push.beat)

        beating = asyncio.create_task(beat())
        try:
            return await transport.push(where, files, on_step, key_path=Path(settings.SSH_KEY))
        finally:
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating
            await loop.run_in_executor(database, connections.close_all)


def check(firewall: Firewall) -> None:
    """Compare what is on the firewall with what was applied, and note drift or silence."""
    now = timezone.now()
    try:
        found = asyncio.run(transport.inspect(target(firewall), key_path=Path(settings.SSH_KEY)))
    except TransportError as error:
        if error.unreachable:
            silent = Firewall.objects.filter(pk=firewall.pk, unreachable_since=None)
            silent.update(unreachable_since=now)
        return
    applied = firewall.applied.files if firewall.applied else {}
    different = sorted(path for path in applied if found.get(path) != applied[path])
    Firewall.objects.filter(pk=firewall.pk, applied=firewall.applied).update(
        unreachable_since=None, checked_at=now, drift="\n".join(different),
        drifted_at=(firewall.drifted_at or now) if different else None,
    )  # fmt: skip
