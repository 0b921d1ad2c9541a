"""Where an object of the audit trail has its page, if it is still there."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.urls import reverse


class Page(NamedTuple):
    """The rows that have a page, and its name. By name: they are of the apps above."""

    model: str
    url: str
    without: str = ""  # rows that have this are left out


PAGES: Mapping[str, tuple[Page, ...]] = {
    "partition": (Page("networks.Partition", "firewalls:partition"),),
    "project": (Page("networks.Project", "firewalls:project"),),
    "network": (Page("networks.Network", "networks:detail"),),
    "machine": (
        Page("firewalls.Firewall", "firewalls:detail"),
        Page("machines.Machine", "machines:detail", without="firewall"),
    ),
    "firewall": (Page("firewalls.Firewall", "firewalls:detail"),),
    "push": (Page("firewalls.Push", "firewalls:push_detail"),),
    "rollout": (Page("firewalls.Rollout", "firewalls:rollout_detail"),),
    "endpoint": (Page("firewalls.Endpoint", "firewalls:endpoint"),),
}


def links(objects: Iterable[str]) -> dict[str, str]:
    """The addresses of those of these, as kind:key, that are there: a query for each kind."""
    keys: dict[str, set[str]] = {}
    for kind, _, key in (name.partition(":") for name in objects):
        keys.setdefault(kind, set()).add(key)
    return {
        f"{kind}:{key}": reverse(page.url, args=[key])
        for kind, wanted in keys.items()
        for page in PAGES.get(kind, ())
        for key in _there(page, wanted)
    }


def _there(page: Page, keys: set[str]) -> list[str]:
    model = apps.get_model(page.model)
    rows = model._default_manager.filter(pk__in=_ids(model, keys))
    if page.without:
        rows = rows.filter(**{page.without: None})
    return [str(pk) for pk in rows.order_by().values_list("pk", flat=True)]


def _ids(model: type[Model], keys: set[str]) -> list[Any]:
    """Without what cannot be an id there: an import may have kept out what was named anyhow."""
    ids = []
    for key in keys:
        with suppress(ValidationError):
            ids.append(model._meta.pk.to_python(key))
    return ids
