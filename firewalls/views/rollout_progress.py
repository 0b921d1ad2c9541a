"""How far a rollout is: its waves, and its firewalls with their pushes."""

from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Case, CharField, Count, F, IntegerField, Q, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from firewalls.models import Push, Rollout
from firewalls.pushing import waiting
from firewalls.views.pushing import STEPS
from networks.common.htmx import page
from networks.common.lists import PER_PAGE

# What needs to be seen comes first: what failed, then what runs.
STATES = ("failed", "running", "waiting", "passed_over", "confirmed")
STATE = Case(
    When(left_out__gt="", then=Value("passed_over")),
    When(push__state__in=Push.BROKEN, then=Value("failed")),
    When(push__state__in=[Push.State.CONFIRMED, Push.State.RUNNING], then=F("push__state")),
    default=Value("waiting"),
    output_field=CharField(),
)
RANK = Case(
    *(When(state=state, then=Value(place)) for place, state in enumerate(STATES)),
    output_field=IntegerField(),
)


def rollout_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    rollout = get_object_or_404(Rollout, pk=pk)
    waves = _waves(rollout)
    # All numbers come from one reading of the pushes, so they fit each other.
    for name in ("total", *STATES):
        setattr(rollout, name, sum(wave[name] for wave in waves))
    state = request.GET.get("state") if request.GET.get("state") in STATES else None
    context = {
        "rollout": rollout,
        "members": _members(rollout, state, request.GET.get("page")),
        "waves": waves,
        "shown": state,
        "done": rollout.confirmed + rollout.failed + rollout.passed_over,
        "counts": [(name, getattr(rollout, name)) for name in STATES],
    }
    return page(request, "firewalls/rollout.html", context, parts={"rollout-status"})


def _waves(rollout: Rollout) -> list[dict[str, Any]]:
    """Each wave with how many of its firewalls are in which state."""
    counts = {state: Count("pk", filter=Q(state=state)) for state in STATES}
    rows: Any = rollout.members.annotate(state=STATE).order_by("wave").values("wave")
    return list(rows.annotate(total=Count("pk"), **counts))


def _members(rollout: Rollout, state: str | None, number: str | None) -> Page[Any]:
    """A page of the firewalls, of all or of those in one state.

    All are sorted by what is narrow, and only a page of them is read whole. How many there are
    was counted already.
    """
    members: Any = rollout.members.annotate(state=STATE).annotate(rank=RANK)
    members = members.order_by("rank", "position")
    chosen = members.filter(state=state) if state else members
    paginator = Paginator(chosen.values_list("pk", flat=True), PER_PAGE)
    paginator.count = getattr(rollout, state or "total")
    chosen_page = paginator.get_page(number)
    rows = members.filter(pk__in=list(chosen_page))
    chosen_page.object_list = list(rows.select_related("firewall__machine", "push"))
    waits = waiting.reasons(member.push for member in chosen_page if member.push)
    for member in chosen_page:
        member.now = _now(member.push) if member.push else member.left_out
        if member.push_id in waits:
            member.now = waits[member.push_id].sentence
    return chosen_page


def _now(push: Push) -> str:
    """What is happening, or what went wrong."""
    if push.error or not push.is_open:
        return push.error
    running = [step["name"] for step in push.steps if step["state"] == "running"]
    return STEPS.get(running[-1], running[-1]) if running else ""
