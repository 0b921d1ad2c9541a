"""Starting a rollout on its page, as somebody does who has seen it."""

import re
from typing import Any

from django.test import Client

from firewalls.models import Firewall
from firewalls.views import rollout_choice

NOTHING: dict[str, str] = {}


def form(client: Client, query: str) -> dict[str, str]:
    """What the form carries by itself: the firewalls that are shown."""
    page = client.get(f"/rollouts/new/?{query}").content.decode()
    found = re.search(r'name="shown" value="([^"]*)"', page)
    return {"shown": found[1]} if found else NOTHING


def carried(*firewalls: Firewall) -> str:
    """The same without looking."""
    return rollout_choice.words([Firewall.objects.get(pk=one.pk) for one in firewalls])


def rolled_out(client: Client, query: str, *, follow: bool = False, **fields: str) -> Any:
    usual = {"cause": "x", "sizes": "rest", "max_failures": "0"}
    sent = {**form(client, query), **usual, **fields}
    return client.post(f"/rollouts/new/?{query}", sent, follow=follow)
