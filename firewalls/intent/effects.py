"""What an action would do to the configurations of firewalls, before it is done for good."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from django.db import transaction

from firewalls.configuration.diffs import Files, unified
from firewalls.configuration.plan import Facts, plan
from firewalls.configuration.render import render
from firewalls.intent.changes import concerned
from firewalls.intent.facts import facts
from firewalls.models import Firewall, Touched
from networks.common.postgres import judge_now

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change:
    """A firewall's configuration as it is wanted now, and as it would be."""

    firewall: Firewall
    before: Files
    after: Files

    @property
    def diffs(self) -> dict[str, str]:
        """A unified diff per file that would change."""
        return unified(self.before, self.after, "now", "then")


@dataclass(frozen=True, slots=True)
class Effect(Generic[T]):
    """What an action would return, and the facts of the firewalls it concerns, now and then."""

    result: T
    before: Mapping[UUID, Facts]
    after: Mapping[UUID, Facts]

    @property
    def different(self) -> set[UUID]:
        """The firewalls of which other facts would be true."""
        concerned = self.before.keys() | self.after.keys()
        return {pk for pk in concerned if self.before.get(pk) != self.after.get(pk)}

    def changes(self) -> Iterator[Change]:
        """The firewalls whose configuration would differ, by name.

        Each is rendered in its turn, so of thousands of them only one is in memory.
        """
        for firewall in Firewall.objects.with_relations().filter(pk__in=self.different):
            before = _files(self.before.get(firewall.pk))
            after = _files(self.after.get(firewall.pk))
            if before != after:
                yield Change(firewall, before, after)

    def diffs(self) -> dict[Firewall, dict[str, str]]:
        """A unified diff per file, by firewall that would change."""
        return {change.firewall: change.diffs for change in self.changes()}


def foresee(action: Callable[[], T]) -> Effect[T]:
    """Do it, look, and take it back. Raises what the action raises.

    The same code decides here and there, so the two cannot disagree. Objects that the action
    was given may say afterwards what is not so: read them anew. Firewalls that it would create or
    delete are no change of a configuration.
    """
    with transaction.atomic():
        last = Touched.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        result = action()
        judge_now()
        firewalls = concerned(list(Touched.objects.filter(pk__gt=last)))
        after = facts(firewalls)
        transaction.set_rollback(True)
    return Effect(result, before=facts(firewalls), after=after)


def _files(of_firewall: Facts | None) -> Files:
    """None where the firewall has no address in the underlay, and so no configuration (R8)."""
    return render(plan(of_firewall)) if of_firewall else {}
