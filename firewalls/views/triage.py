"""What is wrong, by cause, each with the one thing to do; and how many are in which state."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from firewalls import tasks
from firewalls.models import Firewall
from firewalls.models.states import State
from firewalls.picture.texts import several
from firewalls.picture.values import SEVERITY
from firewalls.pushing.causes import KEY, Cause, Example, causes
from networks.common.statements import Fixed

MOST_CAUSES = 12
# What to do about it, and which page of a firewall is for that.
ACTIONS = {
    KEY: ("Judge the key", "firewalls:host_key"),
    State.FAILED: ("See what happened", "firewalls:detail"),
    State.REFUSED: ("See why", "firewalls:detail"),
    State.UNREACHABLE: ("Check again", "firewalls:detail"),
    State.DRIFTED: ("See the change", "firewalls:drift"),
    State.PENDING: ("Review and push", "firewalls:push"),
    State.NEW: ("Set up", "firewalls:detail"),
}
# The same for those who may not push, and so have nothing to do but to look.
LOOKS = ACTIONS | {
    KEY: ("See the key", "firewalls:host_key"),
    State.PENDING: ("See what waits", "firewalls:diff"),
    State.NEW: ("See what is missing", "firewalls:detail"),
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """A cause as the page shows it."""

    cause: Cause
    may_push: bool
    partition: str = ""  # where only those of one are shown

    @property
    def state(self) -> str:
        return State.REFUSED if self.cause.state == KEY else self.cause.state

    @property
    def checks(self) -> bool:
        """Whether the thing to do is done at once, and harms nobody: to look again."""
        return self.cause.state == State.UNREACHABLE

    @property
    def action(self) -> str:
        return self._next[0]

    @property
    def all(self) -> str:
        place = {"partition": self.partition} if self.partition else {}
        return f"{reverse('firewalls:list')}?{urlencode(place | self.cause.query)}"

    @property
    def acknowledging(self) -> str:
        """The page on which it is acknowledged, and that is ended."""
        named = {"state": str(self.cause.state), "reason": self.cause.reason}
        return f"{reverse('firewalls:acknowledge')}?{urlencode(named)}"

    @property
    def href(self) -> str:
        """Where the action leads: to the firewall's own page for it, or to the list of several."""
        return self.links[0][1] if self.cause.firewalls == 1 else self.all

    @property
    def links(self) -> list[tuple[str, str]]:
        """The names of the examples, each with where to go on."""
        return [(one.name, self._link(one)) for one in self.cause.examples]

    @property
    def more(self) -> int:
        return self.cause.firewalls - len(self.cause.examples)

    def _link(self, one: Example) -> str:
        if self.cause.state == State.FAILED and one.push:
            return reverse("firewalls:push_detail", args=[one.push])
        return reverse(self._next[1], args=[one.firewall])

    @property
    def _next(self) -> tuple[str, str]:
        """What to do about it, and the page for that."""
        return (ACTIONS if self.may_push else LOOKS)[self.cause.state]


def triage(*, may_push: bool, partition: str = "") -> dict[str, Any]:
    """The causes: everywhere, or in one partition."""
    rows = Firewall.objects.filter(machine__partition=partition) if partition else None
    known = [Trouble(cause, may_push, partition) for cause in causes(rows)]
    return {"troubles": known[:MOST_CAUSES], "more_causes": max(0, len(known) - MOST_CAUSES)}


def state_table(states: dict[str, Counter[str]]) -> dict[str, Any]:
    """How many of each partition are in which state; those that occur, the worst first."""
    total: Counter[str] = sum(states.values(), Counter())
    shown = [state for state in SEVERITY if total[state]]
    rows = [
        (partition, [(state, counts[state]) for state in shown], counts.total())
        for partition, counts in sorted(states.items())
    ]
    return {"shown_states": [(state, total[state]) for state in shown], "state_rows": rows}


@Fixed
def _counted() -> "QuerySet[Firewall, tuple[str, str, int]]":
    rows: QuerySet[Firewall] = Firewall.objects.with_state().order_by()
    by_state = rows.values_list("machine__partition", "state")  # type: ignore[misc] # annotated
    return by_state.annotate(Count("pk"))


def by_partition() -> dict[str, Counter[str]]:
    """How many firewalls are in which state, by partition."""
    states: dict[str, Counter[str]] = defaultdict(Counter)
    for partition, state, number in _counted.rows():
        states[partition][state] = number
    return states


@require_POST
def check_again(request: HttpRequest) -> HttpResponse:
    """Have all that do not answer looked at again."""
    if not request.user.has_perm("firewalls.add_push"):
        raise PermissionDenied("Having firewalls looked at takes the role operator.")
    silent = list(Firewall.objects.in_state(State.UNREACHABLE).exclude(host=""))
    tasks.inspect_soon(silent)
    what = several(len(silent), "firewall")
    messages.info(request, f"Being looked at again: {what}. What is seen is shown here.")
    return redirect("firewalls:overview")
