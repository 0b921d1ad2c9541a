"""Which pushes have to wait for a maintenance window, by the database's clock.

A firewall goes by its own windows, where it has any, or else by those of its partition; where there
are none, pushes may start at any time.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Now

from firewalls.configuration import windows
from firewalls.configuration.windows import Span
from firewalls.models import Choice, Firewall, Push, PushQuerySet, Window
from firewalls.models.push import BY_ITSELF

Start = Choice.Start


class Place(NamedTuple):
    """Whose windows they are: of a firewall, or of a partition."""

    kind: str
    key: object


@dataclass(frozen=True, slots=True)
class Rule:
    """When pushes to the firewalls of one place may start.

    `binds_people`: also those that a person asked for, for not all windows are for automatic ones
    only.
    """

    spans: tuple[Span, ...]
    binds_people: bool
    now: datetime

    @property
    def is_open(self) -> bool:
        return windows.is_open(self.spans, self.now)

    @property
    def opens(self) -> datetime | None:
        """When it does next, in UTC."""
        return windows.next_opening(self.spans, self.now)

    def binds(self, push: Push, start: str) -> bool:
        """Whether this push starts in one of the windows only."""
        if start == Start.NOW:
            return False
        return self.binds_people or push.requested_by == BY_ITSELF or start == Start.WINDOW

    def __str__(self) -> str:
        return "; ".join(map(str, self.spans))


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of all places that are asked about."""

    by_place: Mapping[Place, Rule] = field(default_factory=dict)

    def of(self, firewall: Firewall) -> Rule | None:
        """That of the firewall, or of its partition; None where pushes may start at any time."""
        own = self.by_place.get(Place("firewall", firewall.pk))
        return own or self.by_place.get(Place("partition", firewall.machine.partition_id))

    def bind(self, firewalls: Iterable[Firewall]) -> bool:
        """Whether pushes to any of these have to wait for a window, at one time or another."""
        return any(self.of(firewall) for firewall in firewalls)

    def in_time(self, pushes: PushQuerySet) -> PushQuerySet:
        """Those of these pushes that may start now."""
        if not self.by_place:
            return pushes
        usual = Value(Start.USUAL, output_field=CharField())
        rows = pushes.alias(start=Coalesce("choice__start", usual))
        is_automatic = Q(requested_by=BY_ITSELF) | Q(start=Start.WINDOW)
        late = self._closed(binds_people=True) | (self._closed(binds_people=False) & is_automatic)
        return rows.filter(~late | Q(start=Start.NOW))

    def _closed(self, *, binds_people: bool) -> Q:
        """Where nothing starts now, as far as those that it binds are concerned."""
        closed: dict[str, list[object]] = {"firewall": [], "partition": []}
        for place, rule in self.by_place.items():
            if not rule.is_open and rule.binds_people == binds_people:
                closed[place.kind].append(place.key)
        own = [place.key for place in self.by_place if place.kind == "firewall"]
        of_partition = Q(firewall__machine__partition__in=closed["partition"])
        return Q(firewall__in=closed["firewall"]) | (of_partition & ~Q(firewall__in=own))


def rules(firewalls: "QuerySet[Any, Any] | Iterable[Firewall]") -> Rules:
    """Of all partitions, and of these firewalls, or their ids, in one query."""
    rows = Window.objects.filter(Q(firewall=None) | Q(firewall__in=firewalls))
    by_place: dict[Place, list[Window]] = defaultdict(list)
    now: datetime | None = None
    for row in rows.order_by().annotate(now=Now()):
        now = row.now
        place = Place("firewall", row.firewall_id) if row.firewall_id else None
        by_place[place or Place("partition", row.partition_id)].append(row)
    return Rules({place: _rule(of_place, now) for place, of_place in by_place.items() if now})


def _rule(of_place: list[Window], now: datetime) -> Rule:
    spans = tuple(sorted((row.span for row in of_place), key=str))
    return Rule(spans, not all(row.only_automatic for row in of_place), now)
