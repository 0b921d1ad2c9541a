"""What becomes of a firewall that was freed: its configuration is taken off, or it is gone."""

import asyncio
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from firewalls.configuration.empty import empty
from firewalls.device import transport
from firewalls.device.transport import Order, Outcome, Step, Target, TransportError
from firewalls.models import Retired
from firewalls.pushing import jump_hosts
from firewalls.pushing.carrying import forget
from firewalls.pushing.jobs import target_of
from networks.common.addressing import Cidr
from networks.common.audit import operation

FORGOTTEN = timedelta(minutes=1)  # after this a message to a worker was lost
LOST = timedelta(minutes=15)  # and after this the worker itself
Asked, Running, Failed = Retired.Outcome.ASKED, Retired.Outcome.RUNNING, Retired.Outcome.FAILED


def ask(retired: Retired, by: str, *, leaves_empty: bool = False) -> None:
    """Note that a worker shall take the configuration off it. Raises ValidationError.

    What it had before is put back; or with `leaves_empty`, where it has kept nothing of that, an
    empty configuration is left there, which announces and forwards nothing.
    """
    if not retired.host:
        raise ValidationError(
            f"{retired} has no management address, so nothing can be taken off it."
            " Say that it is gone once it is.",
            code="no_management",
        )
    if leaves_empty and not retired.practice and not _management_prefixes(retired):
        raise ValidationError(
            f"{retired.partition} has no management prefixes, so nobody would reach {retired} any"
            " more with an empty configuration, and it would go back. Enter them first.",
            code="no_management_prefixes",
        )
    idle = Retired.objects.filter(pk=retired.pk).exclude(outcome__in=[Asked, Running])
    with operation(f"{by or 'somebody'} has the configuration of {retired} taken off"):
        fields = {"outcome": Asked, "error": "", "steps": [], "leaves_empty": leaves_empty}
        idle.update(asked_at=Now(), **fields)


def _management_prefixes(retired: Retired) -> list[Cidr]:
    """Who may reach its SSH."""
    return list(retired.partition.management_prefixes) if retired.partition else []


def gone(retired: Retired, confirm: str) -> None:
    """A person says that it is gone: what it carried is free. `confirm` is its name.

    Raises ValidationError.
    """
    if confirm != retired.name:
        message = f"Type {retired.name} to say that it is gone. Nothing was done."
        raise ValidationError({"confirm": ValidationError(message, code="not_confirmed")})
    _end(retired, f"{retired} was said to be gone")


def _end(retired: Retired, sentence: str) -> None:
    """Nothing is kept back because of it any more."""
    with operation(sentence), transaction.atomic():
        forget(retired.carried)
        Retired.objects.filter(pk=retired.pk).delete()


def waiting() -> "QuerySet[Retired, UUID]":
    """Those that somebody asked for and no worker is at."""
    forgotten = Q(outcome=Asked, asked_at__lt=Now() - FORGOTTEN)
    lost = Q(outcome=Running, asked_at__lt=Now() - LOST)
    return Retired.objects.filter(forgotten | lost).order_by().values_list("pk", flat=True)


def take_off(pk: UUID) -> None:
    """Put back what it had before the first push, or leave it empty. Takes a minute."""
    lost = Q(outcome=Running, asked_at__lt=Now() - LOST)
    claimed = Retired.objects.filter(Q(outcome=Asked) | lost, pk=pk)
    if not claimed.update(outcome=Running, asked_at=Now()):
        return
    retired = Retired.objects.get(pk=pk)
    steps: dict[str, dict[str, object]] = {}
    try:
        files = empty(retired.name, _management_prefixes(retired)) if retired.leaves_empty else {}
        result = asyncio.run(_put(target_of(retired), files, steps))
    except TransportError as error:
        result = Outcome("refused", str(error), error)
    if result.problem is None or not result.problem.local:
        jump_hosts.record(retired, result.problem and result.problem.jump)
    if result.state == "confirmed":
        left = ", and an empty one left there" if retired.leaves_empty else ""
        _end(retired, f"the configuration was taken off {retired}{left}")
        return
    running = Retired.objects.filter(pk=pk, outcome=Running)
    running.update(outcome=Failed, error=result.error, steps=list(steps.values()))


async def _put(
    target: Target, files: dict[str, str], steps: dict[str, dict[str, object]]
) -> Outcome:
    """Have the firewall have these files; without any, what it had before."""

    async def note(step: Step) -> None:
        steps[step.name] = asdict(step)

    key_path = None if settings.SSH_AGENT else Path(settings.SSH_KEY)
    order = Order(gives_back=not files)
    return await transport.push(target, files, note, key_path=key_path, order=order)
