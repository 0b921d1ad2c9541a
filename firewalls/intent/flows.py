"""Which flows a change opens and closes, beside the lines of configuration that it changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from firewalls.configuration.plan import Facts, plan
from firewalls.intent.effects import Effect
from firewalls.intent.facts import facts
from firewalls.intent.partitions import Around, Basis, Loaded, load_around
from firewalls.intent.runs import Run
from firewalls.intent.values import network_values
from firewalls.models import Firewall, Revision
from firewalls.reachability import Change, Guard, Partition, compared

Side = Basis | datetime


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
    different = effect.different
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


def of_time(loaded: Loaded, before: Side, after: Side) -> Flows:
    """What comes and goes between two of: what is wanted, is applied, was applied at a moment."""
    return Flows(tuple(compared(_side(loaded, before), _side(loaded, after))))


def of_push(firewall: Firewall, revision: Revision | None) -> Flows | None:
    """What a push would open and close: of this revision, or of what is wanted.

    None where it is not known what the firewall runs, or would run. A constant number of queries.
    """
    loaded, key = load_around(Around(networks={firewall.machine.primary_id})), str(firewall.pk)
    before, side = loaded.applied, loaded.wanted
    if revision is not None:
        run = Run(key, revision.number, revision.digest, revision.plan)
        side = loaded.running({key: run})
    guards = {guard.id: guard for guard in before.guards}
    now, then = guards.get(key), {guard.id: guard for guard in side.guards}.get(key)
    if now is None or then is None or not now.known or then.plan is None:
        return None  # freed meanwhile, if it is none of them
    after = replace(side, guards=tuple({**guards, key: then}.values()))
    return Flows(tuple(compared(before, after)))


def _side(loaded: Loaded, side: Side) -> Partition:
    return loaded.on(side) if isinstance(side, Basis) else loaded.at(side)


def _guards(known: Mapping[UUID, Facts]) -> tuple[Guard, ...]:
    return tuple(
        Guard(str(pk), one.hostname, one.primary.id, plan(one), one) for pk, one in known.items()
    )


def _siblings(changed: Iterable[UUID], known: Iterable[Facts]) -> dict[UUID, Facts]:
    """The other firewalls of the same networks: flows take them as well."""
    homes = {one.primary.id for one in known}
    rows = Firewall.objects.filter(machine__primary__in=homes).exclude(pk__in=changed).order_by()
    return facts(rows.values_list("pk", flat=True))
