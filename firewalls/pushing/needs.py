"""What a firewall needs so that a push goes well, looked at there now. Nothing is changed."""

import asyncio
from pathlib import Path

from django.conf import settings

from firewalls.device import transport
from firewalls.device.transport import Need
from firewalls.models import Firewall
from firewalls.pushing.jobs import target_of


def look(firewall: Firewall) -> tuple[Need, ...]:
    """One after the other, as the firewall says. Raises TransportError. Takes seconds."""
    key_path = None if settings.SSH_AGENT else Path(settings.SSH_KEY)
    return asyncio.run(transport.check(target_of(firewall), key_path=key_path))
