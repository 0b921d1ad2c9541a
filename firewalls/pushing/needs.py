"""What a firewall needs so that a push goes well, looked at there. Nothing is changed."""

import asyncio
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from firewalls.device import transport
from firewalls.device.transport import Need, TransportError
from firewalls.models import Firewall, Needs
from firewalls.pushing import jump_hosts
from firewalls.pushing.jobs import REACHED_BY, target_of
from networks.common.locking import lock_keys

FORGOTTEN = timedelta(minutes=1)  # after this a message to a worker was lost


def look(firewall: Firewall) -> tuple[Need, ...]:
    """One after the other, as the firewall says. Raises TransportError. Takes seconds."""
    key_path = None if settings.SSH_AGENT else Path(settings.SSH_KEY)
    return asyncio.run(transport.check(target_of(firewall), key_path=key_path))


def ask(firewall: Firewall) -> None:
    """Note that somebody wants to know; a worker looks."""
    fields: dict[str, object] = {"asked_at": Now(), "seen_at": None, "found": [], "silence": ""}
    with transaction.atomic():
        for pk in lock_keys(Firewall, [firewall.pk]):
            Needs.objects.update_or_create(firewall_id=pk, defaults=fields)


def unanswered() -> "QuerySet[Needs, UUID]":
    """The firewalls that somebody asked for and nobody looked at."""
    rows = Needs.objects.filter(seen_at=None, asked_at__lt=Now() - FORGOTTEN)
    return rows.values_list("firewall_id", flat=True)


def record(pk: UUID) -> None:
    """Look at a firewall that somebody asked for, and write down what it says."""
    asked = Needs.objects.filter(firewall=pk, seen_at=None)
    rows = Firewall.objects.with_relations().select_related(*REACHED_BY)
    firewall = rows.filter(pk=pk).first()
    if firewall is None or not asked.exists():
        return
    try:
        found = [asdict(need) for need in look(firewall)]
        asked.update(seen_at=Now(), found=found)
    except TransportError as error:
        asked.update(seen_at=Now(), silence=str(error))
        if error.jump:
            jump_hosts.record(firewall, error.jump)
