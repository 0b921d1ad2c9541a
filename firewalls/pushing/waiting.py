"""Why a push that waits has not started, and until when: for people and programs to read."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from firewalls.models import Choice, Firewall, Hold, Push
from firewalls.pushing import limits, windows
from firewalls.pushing.windows import Rule, Rules

CODES = (
    ("held", "a person holds the firewall"),
    ("window", "a maintenance window"),
    ("busy", "another push of the firewall"),
    ("limit", "as many as may run at once in its partition do"),
)


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence; `until`: when it may start, where that is known. `code`: of CODES."""

    code: str
    sentence: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of all firewalls whose pushes are asked about."""

    holds: Mapping[UUID, Hold]
    busy: Collection[UUID]
    rules: Rules
    running: Mapping[str, int]  # pushes, by partition

    def reason(self, push: Push) -> Reason | None:
        """What keeps this one from starting, if anything does."""
        firewall = push.firewall
        if hold := self.holds.get(firewall.pk):
            hold.firewall = firewall
            return Reason("held", f"{hold.sentence}.", hold.until)
        if late := _window(push, self.rules.of(firewall)):
            return late
        if firewall.pk in self.busy:
            return Reason("busy", f"Another push of {firewall} is running.")
        return _limit(firewall, self.running)


def reasons(pushes: Iterable[Push]) -> dict[UUID, Reason]:
    """What keeps each of these that wait from starting, by their ids, in five queries.

    None where nothing does: a worker has it soon.
    """
    queued = [push.pk for push in pushes if push.state == Push.State.QUEUED]
    if not queued:
        return {}
    waiting = Push.objects.filter(pk__in=queued, state=Push.State.QUEUED)
    rows = list(waiting.select_related("firewall__machine__partition", "choice"))
    known = _known([row.firewall for row in rows])
    found = {row.pk: known.reason(row) for row in rows}
    return {pk: reason for pk, reason in found.items() if reason}


def _known(firewalls: list[Firewall]) -> Known:
    busy = Push.objects.filter(firewall__in=firewalls, state=Push.State.RUNNING)
    return Known(
        Hold.objects.in_force().filter(firewall__in=firewalls).in_bulk(),
        set(busy.values_list("firewall", flat=True)),
        windows.rules(firewalls),
        limits.running([firewall.machine.partition_id for firewall in firewalls]),
    )


def reason(push: Push) -> Reason | None:
    """The same for one."""
    return reasons([push]).get(push.pk)


def _window(push: Push, rule: Rule | None) -> Reason | None:
    choice: Choice | None = getattr(push, "choice", None)
    if rule is None or rule.is_open or not rule.binds(push, choice.start if choice else ""):
        return None
    return Reason("window", f"It waits for a maintenance window: {rule}.", rule.opens)


def _limit(firewall: Firewall, started: Mapping[str, int]) -> Reason | None:
    partition = firewall.machine.partition
    most = partition.pushes_at_once
    running = started.get(partition.pk, 0)
    if most is None or running < most:
        return None
    sentence = f"{running} of {most} pushes at once are running in {partition.pk}."
    return Reason("limit", sentence)
