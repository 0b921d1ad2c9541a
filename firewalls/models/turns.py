"""How far a firewall is within a rollout. Computed from its push, and stored once it is freed."""

from django.db import models
from django.db.models import Case, CharField, Q, Value, When

from firewalls.models.push import Push


class Turn(models.TextChoices):
    """What needs to be seen comes first."""

    FAILED = "failed", "failed"
    RUNNING = "running", "running"
    WAITING = "waiting", "waiting"
    TAKEN_OVER = "taken_over", "taken over"  # a later push, which is not the rollout's, took over
    PASSED_OVER = "passed_over", "passed over"  # a person held it when it was its turn
    GONE = "gone", "gone"  # it was freed before its turn was over
    CONFIRMED = "confirmed", "confirmed"


def is_at(turn: Turn, member: str = "") -> Q:
    """Whether a member is so far; `member` leads there from what is asked, as in `members__`."""
    state = f"{member}push__state"
    by_push = {
        Turn.FAILED: Q(**{f"{state}__in": Push.BROKEN}),
        Turn.RUNNING: Q(**{state: Push.State.RUNNING}),
        Turn.WAITING: Q(**{f"{member}push": None}) | Q(**{state: Push.State.QUEUED}),
        Turn.TAKEN_OVER: Q(**{state: Push.State.SUPERSEDED}),
        Turn.CONFIRMED: Q(**{state: Push.State.CONFIRMED}),
    }
    freed, is_there = Q(**{f"{member}outcome": turn}), Q(**{f"{member}outcome": ""})
    if turn == Turn.PASSED_OVER:
        return freed | (is_there & Q(**{f"{member}left_out__gt": ""}))
    if turn not in by_push:
        return freed
    return freed | (is_there & Q(**{f"{member}left_out": ""}) & by_push[turn])


TURN = Case(*(When(is_at(turn), then=Value(turn)) for turn in Turn), output_field=CharField())
# A push that took over has an end of its own.
UNFINISHED = (
    is_at(Turn.WAITING)
    | is_at(Turn.RUNNING)
    | (
        is_at(Turn.TAKEN_OVER)
        & Q(push__superseded_by__isnull=False, push__superseded_by__finished_at=None)
    )
)
FAILED = is_at(Turn.FAILED) | (
    is_at(Turn.TAKEN_OVER) & Q(push__superseded_by__state__in=Push.BROKEN)
)
UNANSWERED = Q(outcome="") & (Q(push__unanswered=True) | Q(push__superseded_by__unanswered=True))
