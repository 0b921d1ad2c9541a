"""Why a push that waits has not started, and until when: for people and programs to read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from firewalls.models import Choice, Firewall, Hold, Push
from firewalls.pushing import limits, windows
from firewalls.pushing.windows import Rules

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


def reasons(pushes: Iterable[Push]) -> dict[UUID, Reason]:
    """What keeps each of these that wait from starting, by their ids, in five queries.

    None where nothing does: a worker has it soon.
    """
    queued = [push.pk for push in pushes if push.state == Push.State.QUEUED]
    if not queued:
        return {}
    waiting = Push.objects.filter(pk__in=queued, state=Push.State.QUEUED)
    rows = list(waiting.select_related("firewall__machine__partition", "choice"))
    firewalls = [row.firewall for row in rows]
    holds = Hold.objects.in_force().filter(firewall__in=firewalls).in_bulk()
    busy = Push.objects.filter(firewall__in=firewalls, state=Push.State.RUNNING)
    running = set(busy.values_list("firewall", flat=True))
    rules = windows.rules(firewalls)
    started = limits.running([firewall.machine.partition_id for firewall in firewalls])
    found = {}
    for row in rows:
        hold = holds.get(row.firewall_id)
        reason = (
            (hold and _held(hold, row.firewall))
            or _window(row, rules)
            or (_busy(row.firewall) if row.firewall_id in running else None)
            or _limit(row.firewall, started)
        )
        if reason:
            found[row.pk] = reason
    return found


def reason(push: Push) -> Reason | None:
    """The same for one."""
    return reasons([push]).get(push.pk)


def _held(hold: Hold, firewall: Firewall) -> Reason:
    hold.firewall = firewall
    return Reason("held", f"{hold.sentence}.", hold.until)


def _window(push: Push, rules: Rules) -> Reason | None:
    rule = rules.of(push.firewall)
    choice: Choice | None = getattr(push, "choice", None)
    if rule is None or rule.is_open or not rule.binds(push, choice.start if choice else ""):
        return None
    sentence = f"It waits for a maintenance window: {rule}."
    return Reason("window", sentence, rule.opens)


def _busy(firewall: Firewall) -> Reason:
    return Reason("busy", f"Another push of {firewall} is running.")


def _limit(firewall: Firewall, started: dict[str, int]) -> Reason | None:
    partition = firewall.machine.partition
    most = partition.pushes_at_once
    running = started.get(partition.pk, 0)
    if most is None or running < most:
        return None
    sentence = f"{running} of {most} pushes at once are running in {partition.pk}."
    return Reason("limit", sentence)
