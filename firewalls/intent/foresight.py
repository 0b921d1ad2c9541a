"""What a change would do to configurations, before anybody makes it: the change is made, looked at, and taken back."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from firewalls.configuration.diffs import Files, unified
from firewalls.configuration.plan import Facts, plan
from firewalls.configuration.render import render
from firewalls.intent.changes import concerned
from firewalls.intent.facts import stream_facts
from firewalls.models import Firewall, Touched

TOGETHER = 500
Known = Mapping[UUID, Facts]


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


def foresee(action: Callable[[], object]) -> Iterator[Change]:
    """The firewalls whose configuration the action would change, by name; raises what the action raises.

    The same code decides here and there, so the two cannot disagree. Only facts are remembered: a configuration is rendered
    when it is asked for, and is gone with the next one. What the action was given is to be read anew afterwards.
    """
    with transaction.atomic():
        last = Touched.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        action()
        touched = list(Touched.objects.filter(pk__gt=last))
        after = dict(stream_facts(concerned(touched)))
        transaction.set_rollback(True)
    before = dict(stream_facts(after))
    return _changes([pk for pk in after if pk in before and before[pk] != after[pk]], before, after)


def _changes(firewalls: list[UUID], before: Known, after: Known) -> Iterator[Change]:
    rows = Firewall.objects.with_relations().filter(pk__in=firewalls)
    for firewall in rows.iterator(chunk_size=TOGETHER):
        now, then = render(plan(before[firewall.pk])), render(plan(after[firewall.pk]))
        if now != then:
            yield Change(firewall, now, then)
