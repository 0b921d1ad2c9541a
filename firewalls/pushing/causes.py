"""What is behind the states of firewalls: those in the same trouble for the same reason, as one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import (
    BooleanField,
    Case,
    Expression,
    F,
    Func,
    OuterRef,
    Q,
    Subquery,
    TextField,
    When,
)

from firewalls.models import Acknowledgement, Firewall, FirewallQuerySet, Push
from firewalls.models.states import KEY_CHANGED, State
from firewalls.pushing.steps import STEPS

KEY = "key"  # it shows another host key than the pinned one; nothing can be sent
# What a person looks at first, the worst first.
URGENCY = (
    KEY,
    State.FAILED,
    State.REFUSED,
    State.UNREACHABLE,
    State.DRIFTED,
    State.PENDING,
    State.NEW,
)
SENTENCES = {
    KEY: "Another host key than the pinned one is shown: nothing is sent there",
    State.REFUSED: "They answer, and could not be looked at",
    State.UNREACHABLE: "No answer",
    State.DRIFTED: "Changed on the firewall since the last push",
    State.NEW: "Nothing was pushed yet",
}
MOST_EXAMPLES = 3
NO_REASON = "none"  # how a URL says that a reason is not known
SINCE = {
    State.UNREACHABLE: "observation__unreachable_since",
    State.REFUSED: "observation__refused_at",
    State.DRIFTED: "observation__drifted_at",
    State.PENDING: "wanted__created_at",
}


class Example(NamedTuple):
    """One of the firewalls, and the push that went wrong on it last."""

    firewall: str
    name: str
    push: str


@dataclass(slots=True)
class Cause:
    """Why these firewalls are as they are: by state, and by a word for the reason.

    `reason`: of failed ones the step, of pending ones what has changed their configuration.
    """

    state: str
    reason: str
    examples: list[Example] = field(default_factory=list)
    members: set[UUID] = field(default_factory=set)
    since: datetime | None = None  # of the first of them
    acknowledgement: Acknowledgement | None = None  # of some of them at least

    @property
    def firewalls(self) -> int:
        """How many they are."""
        return len(self.members)

    @property
    def unknown(self) -> int:
        """How many of them nobody has acknowledged, as they got into it later."""
        known = self.acknowledgement.firewalls if self.acknowledgement else ()
        return len(self.members.difference(known))

    @property
    def sentence(self) -> str:
        """What is wrong with them, in words."""
        if self.state == State.FAILED:
            title = STEPS.get(self.reason, self.reason)
            return (
                f"The last push failed at “{title}”" if title else "The last push did not succeed"
            )
        if self.state == State.PENDING:
            return f"Waits to be pushed: {self.reason or 'its configuration changed'}"
        return SENTENCES[self.state]

    @property
    def query(self) -> dict[str, str]:
        """The filters of the list of firewalls that show them all."""
        if self.state == KEY:
            return {"key": "changed"}
        names = {State.FAILED.value: "failed_at", State.PENDING.value: "cause"}
        query = {"state": str(self.state), "key": "pinned"}
        if self.state in names:
            query[names[self.state]] = self.reason or NO_REASON
        return query


class _Step(Func):
    """The name of the step of a push that failed; nothing where none did."""

    output_field = TextField()
    template = """jsonb_path_query_first(%(expressions)s,
        '$[*] ? (@.state == "failed").name') #>> '{}'"""


def _last_push(what: Expression | F) -> Subquery:
    pushes = Push.objects.ended().filter(firewall=OuterRef("pk")).order_by("-finished_at")
    return Subquery(pushes.annotate(of_it=what).values("of_it")[:1])


def with_failed_step(rows: FirewallQuerySet) -> FirewallQuerySet:
    """Annotate at which step the last push of each failed: `failed_at`."""
    return rows.annotate(failed_at=_last_push(_Step(F("steps"))))


def failed_at(rows: FirewallQuerySet, step: str) -> FirewallQuerySet:
    """Those whose last push failed at this step, or at none that is known."""
    annotated = with_failed_step(rows)
    if step == NO_REASON:
        return annotated.filter(failed_at=None)  # type: ignore[misc] # annotated
    return annotated.filter(failed_at=step)  # type: ignore[misc] # annotated


def caused_by(rows: FirewallQuerySet, cause: str) -> FirewallQuerySet:
    """Those whose wanted configuration follows from this."""
    return rows.filter(wanted__cause="" if cause == NO_REASON else cause)


def key_is(rows: FirewallQuerySet, value: str) -> FirewallQuerySet:
    """Those that show another host key than the pinned one, or those that do not."""
    return rows.filter(KEY_CHANGED) if value == "changed" else rows.exclude(KEY_CHANGED)


def causes(among: FirewallQuerySet | None = None) -> list[Cause]:
    """Those of these firewalls, or of all, the worst first; what is acknowledged comes last.

    Two queries for any number of firewalls.
    """
    together: dict[tuple[str, str], Cause] = {}
    for row in _rows(Firewall.objects.all() if among is None else among):
        state = KEY if row["shows_other_key"] else row["state"]
        reason = _reason(state, row)
        _count(together.setdefault((state, reason), Cause(state, reason)), row)
    for acknowledgement in Acknowledgement.objects.in_force() if together else ():
        cause = together.get((acknowledgement.state, acknowledgement.reason))
        if cause and not cause.members.isdisjoint(acknowledgement.firewalls):
            cause.acknowledgement = acknowledgement
    return sorted(together.values(), key=_order)


def _rows(among: FirewallQuerySet) -> Iterable[dict[str, Any]]:
    changed = Case(When(KEY_CHANGED, then=True), default=False, output_field=BooleanField())
    states = [state for state in URGENCY if state != KEY]
    waiting = among.with_state().filter(Q(state__in=states) | KEY_CHANGED)
    rows = with_failed_step(waiting)
    rows = rows.annotate(shows_other_key=changed, ended_last=_last_push(F("pk")))
    names = ("pk", "machine__name", "state", "shows_other_key", "failed_at", "ended_last")
    return rows.order_by("machine__name", "pk").values(*names, "wanted__cause", *SINCE.values())


def _reason(state: str, row: dict[str, Any]) -> str:
    if state == State.FAILED:
        return row["failed_at"] or ""
    return (row["wanted__cause"] or "") if state == State.PENDING else ""


def _count(cause: Cause, row: dict[str, Any]) -> None:
    cause.members.add(row["pk"])
    if len(cause.examples) < MOST_EXAMPLES:
        push = str(row["ended_last"] or "")
        cause.examples.append(Example(str(row["pk"]), row["machine__name"], push))
    times = {str(state): row[name] for state, name in SINCE.items()}
    known = [time for time in (cause.since, times.get(cause.state)) if time]
    cause.since = min(known, default=None)


def _order(cause: Cause) -> tuple[bool, int, int, str]:
    return not cause.unknown, URGENCY.index(cause.state), -cause.firewalls, cause.reason
