"""How far a rollout is: its waves, and its firewalls with their pushes."""

from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Case, Count, IntegerField, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from firewalls.models import Member, Rollout, Turn
from firewalls.models.turns import is_at
from firewalls.pushing import rollouts, waiting
from firewalls.pushing.steps import STEPS
from networks.common.htmx import page
from networks.common.lists import PER_PAGE

# What needs to be seen comes first: what failed, then what runs.
STATES = tuple(turn.value for turn in Turn)
RANK = Case(
    *(When(turn=state, then=Value(place)) for place, state in enumerate(STATES)),
    output_field=IntegerField(),
)


def rollout_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    rollout = get_object_or_404(Rollout, pk=pk)
    waves = _waves(rollout)
    # All numbers come from one reading of the pushes, so they fit each other.
    for name in ("total", *STATES):
        setattr(rollout, name, sum(wave[name] for wave in waves))
    state = request.GET.get("state") if request.GET.get("state") in STATES else None
    members = _members(rollout, state, request.GET.get("page"))
    context = {
        "rollout": rollout,
        "members": members,
        "waits_for_window": rollout.is_open and any(one.waits == "window" for one in members),
        "waves": waves,
        "shown": state,
        "done": rollout.total - rollout.waiting - rollout.running,
        "counts": [(name, getattr(rollout, name)) for name in STATES],
        "goes_on": _goes_on(rollout),
        "is_moving": rollout.running or rollout.state == Rollout.State.RUNNING,
    }
    return page(request, "firewalls/rollout.html", context, parts={"rollout-status"})


def _goes_on(rollout: Rollout) -> bool:
    """Whether to resume it is allowed and does something."""
    if rollout.state == Rollout.State.RUNNING:
        return False
    waits = rollout.state == Rollout.State.STOPPED and rollout.waiting
    is_due = rollout.state == Rollout.State.PAUSED or waits or rollout.passed_over
    return bool(is_due) and not rollouts.too_many(rollout)


def _waves(rollout: Rollout) -> list[dict[str, Any]]:
    """Each wave with how many of its firewalls are in which state."""
    counts = {turn.value: Count("pk", filter=is_at(turn)) for turn in Turn}
    rows: Any = rollout.members.order_by("wave").values("wave")
    return list(rows.annotate(total=Count("pk"), **counts))


def _members(rollout: Rollout, state: str | None, number: str | None) -> Page[Any]:
    """A page of the firewalls, of all or of those in one state.

    All are sorted by what is narrow, and only a page of them is read whole. How many there are
    was counted already.
    """
    members: Any = Member.objects.filter(rollout=rollout).with_turn().annotate(turn_rank=RANK)
    members = members.order_by("turn_rank", "position")
    chosen = members.filter(turn=state) if state else members
    paginator = Paginator(chosen.values_list("pk", flat=True), PER_PAGE)
    paginator.count = getattr(rollout, state or "total")
    chosen_page = paginator.get_page(number)
    rows = members.filter(pk__in=list(chosen_page))
    chosen_page.object_list = list(rows.select_related("push__superseded_by"))
    waits = waiting.reasons(member.push for member in chosen_page if member.push)
    for member in chosen_page:
        reason = waits.get(member.push_id)
        member.waits = reason.code if reason else ""
        member.now = reason.sentence if reason else _now(member)
    return chosen_page


def _now(member: Member) -> str:
    """What is happening, or what went wrong."""
    push = member.push
    if member.outcome:
        return "Its firewall was freed since."
    if push is None:
        return member.left_out
    if push.superseded_by:
        return f"{push.error} That one is {push.superseded_by.get_state_display()}."
    if push.error or not push.is_open:
        return push.error
    running = [step["name"] for step in push.steps if step["state"] == "running"]
    return STEPS.get(running[-1], running[-1]) if running else ""
