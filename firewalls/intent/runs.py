"""What firewalls run, and ran: the configurations that pushes have brought, with their plans."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from firewalls.configuration.kept import plan_of
from firewalls.configuration.plan import Plan
from firewalls.models import Observation, Push

APPLIED = ("applied__number", "applied__digest", "applied__plan")
PUSHED = ("revision__number", "revision__digest", "revision__plan", "finished_at")


@dataclass(frozen=True)
class Run:
    """A configuration on a firewall, and since when; its plan as it is kept.

    None is of what was pushed before plans were kept, or is of somebody else.
    """

    firewall: str
    number: int
    digest: str
    kept: object
    since: datetime | None = None

    @cached_property
    def plan(self) -> Plan | None:
        """None where it is not known."""
        return plan_of(self.kept)


def runs_now(firewalls: Collection[str]) -> dict[str, Run]:
    """What was applied last on each of these, where anything was; one query."""
    ids = map(UUID, firewalls)
    rows = Observation.objects.filter(firewall__in=ids, applied__isnull=False)
    return {str(row[0]): _run(*row) for row in rows.values_list("firewall", *APPLIED)}


def runs_at(firewalls: Collection[str], moment: datetime) -> dict[str, Run]:
    """What each of these ran then, where anything was pushed before; one query."""
    rows = _confirmed(firewalls).filter(finished_at__lte=moment)
    latest = rows.order_by("firewall", "-finished_at").distinct("firewall")
    return {str(row[0]): _run(*row) for row in latest.values_list("firewall", *PUSHED)}


def pushed(firewalls: Collection[str], most: int) -> list[Run]:
    """The last pushes that were confirmed, the newest first; one query."""
    rows = _confirmed(firewalls).order_by("-finished_at", "-pk")
    return [_run(*row) for row in rows.values_list("firewall", *PUSHED)[:most]]


def first_of_each(runs: Iterable[Run]) -> Iterator[tuple[str, Run]]:
    """By firewall the first that is listed."""
    first: dict[str, Run] = {}
    for one in runs:
        first.setdefault(one.firewall, one)
    yield from first.items()


def _confirmed(firewalls: Collection[str]) -> Any:
    return Push.objects.filter(
        firewall__in=map(UUID, firewalls), state=Push.State.CONFIRMED, revision__isnull=False
    )


def _run(
    firewall: object, number: int, digest: str, plan: object, since: datetime | None = None
) -> Run:
    return Run(str(firewall), number, digest, plan, since)
