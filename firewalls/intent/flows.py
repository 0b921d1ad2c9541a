"""Which flows a change opens and closes, beside the lines of configuration that it changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from firewalls.configuration.plan import Facts, plan
from firewalls.intent.effects import Effect
from firewalls.intent.facts import facts
from firewalls.intent.partitions import network_values
from firewalls.models import Firewall
from firewalls.reachability import Change, Guard, Partition, compared


@dataclass(frozen=True)
class Flows:
    """Flows that come and go, network by network."""

    changes: tuple[Change, ...] = ()

    @cached_property
    def gained(self) -> list[Change]:
        return [one for one in self.changes if one.gained]

    @cached_property
    def lost(self) -> list[Change]:
        return [one for one in self.changes if one.lost]

    @cached_property
    def otherwise(self) -> list[Change]:
        """What came about in part, or was not known, and is otherwise now."""
        return [one for one in self.changes if not one.gained and not one.lost]


def flows(effect: Effect[Any]) -> Flows:
    """What the effect opens and closes: a constant number of queries, none if nothing changes."""
    keys = effect.before.keys() | effect.after.keys()
    different = {pk for pk in keys if effect.before.get(pk) != effect.after.get(pk)}
    if not different:
        return Flows()
    before = {pk: effect.before[pk] for pk in different if pk in effect.before}
    after = {pk: effect.after[pk] for pk in different if pk in effect.after}
    others = _siblings(different, [*before.values(), *after.values()])
    return between({**others, **before}, {**others, **after})


def between(before: Mapping[UUID, Facts], after: Mapping[UUID, Facts]) -> Flows:
    """The same, of firewalls and all their siblings."""
    known = [*before.values(), *after.values()]
    named = {net.id for one in known for net in (one.primary, *one.shared, *one.externals)}
    networks = network_values(named)
    sides = (Partition(networks, _guards(side)) for side in (before, after))
    return Flows(tuple(compared(*sides)))


def _guards(known: Mapping[UUID, Facts]) -> tuple[Guard, ...]:
    return tuple(
        Guard(str(pk), one.hostname, one.primary.id, plan(one), one) for pk, one in known.items()
    )


def _siblings(changed: Iterable[UUID], known: Iterable[Facts]) -> dict[UUID, Facts]:
    """The other firewalls of the same networks: flows take them as well."""
    homes = {one.primary.id for one in known}
    rows = Firewall.objects.filter(machine__primary__in=homes).exclude(pk__in=changed).order_by()
    return facts(rows.values_list("pk", flat=True))
