"""Which firewall may join which network, and why not the others."""

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

from django.db import models
from django.db.models import Q

from firewalls.models import Attachment, Firewall
from machines import rules
from networks.models import Network

T = TypeVar("T", bound=models.Model)


class Choice(NamedTuple, Generic[T]):
    """A firewall or network to pick in a join, and if it may not be picked, why."""

    item: T
    allowed: bool
    reason: str = ""


def network_choices(firewall: Firewall, text: str = "") -> list[Choice[Network]]:
    """The networks that the firewall might join: shared, external, or of its own project.

    With a text, those that it may mean: a part of a name, an address, a prefix.
    """
    joined = set(firewall.attachments.values_list("network_id", flat=True))
    near = (
        Q(shared=True)
        | Q(kind=Network.Kind.EXTERNAL)
        | Q(kind=Network.Kind.PRIVATE, project=firewall.project)
    )
    rows = (
        Network.objects.select_related("partition", "project")
        .prefetch_related("prefixes")
        .filter(near)
    )
    if text:
        rows = rows.filter(pk__in=Network.objects.matching(text).values("pk"))
    return _sorted(_choice(row, firewall, row, row.pk in joined) for row in rows)


def firewall_choices(network: Network, name: str = "") -> list[Choice[Firewall]]:
    """The firewalls that might join the network; with a part of a name, those called like that.

    Without their states, which of thousands are not all shown.
    """
    joined = set(Attachment.objects.filter(network=network).values_list("firewall_id", flat=True))
    rows = Firewall.objects.with_places().filter(machine__name__icontains=name).order_by()
    return _sorted(_choice(row, row, network, row.pk in joined) for row in rows)


def _choice(item: T, firewall: Firewall, network: Network, joined: bool) -> Choice[T]:
    if joined:
        return Choice(item, False, _joined_already())
    home = firewall.machine
    violations = list(rules.not_explicit(network, "network")) or list(
        rules.may_join(network, home.primary_id, home.project_id, home.partition_id)
    )
    return Choice(item, not violations, violations[0].message if violations else "")


def _joined_already() -> str:
    constraint = next(one for one in Attachment._meta.constraints if one.name == "joins_once")
    return str(constraint.violation_error_message)


def _sorted(choices: Iterable[Choice[T]]) -> list[Choice[T]]:
    """Those that may be picked first, by name."""
    return sorted(choices, key=lambda choice: (not choice.allowed, str(choice.item)))
