"""Rollouts: chosen, started, watched, and held."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Page, Paginator
from django.db.models import Case, CharField, Count, F, IntegerField, Q, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from firewalls.forms import RolloutForm
from firewalls.models import Firewall, Push, Rollout
from firewalls.pushing import rollouts
from firewalls.views.firewalls import FILTERS
from firewalls.views.pushing import STEPS
from networks.common.htmx import page
from networks.common.lists import PER_PAGE, Filter, given_filters, listing

SORTS = {"-started": "-created_at", "started": "created_at", "state": "state", "by": "created_by"}
LIST_FILTERS: dict[str, Filter] = {
    "state": lambda rows, value: rows.filter(state=value),
    "q": lambda rows, value: rows.filter(
        Q(cause__icontains=value) | Q(created_by__icontains=value)
    ),
}
ACTIONS: dict[str, tuple[Callable[[Rollout, str], Any], str]] = {
    "pause": (rollouts.pause, "It is paused: what runs goes to its end."),
    "resume": (rollouts.resume, "It goes on."),
    "stop": (
        rollouts.stop,
        "It has stopped: what runs goes to its end, the rest is left as it is.",
    ),
    "retry": (rollouts.retry, "What failed is tried again."),
    "roll-back": (rollouts.roll_back, "This rollout brings back what was there before."),
}
STATE = Case(
    When(push__state__in=Push.BROKEN, then=Value("failed")),
    When(push__state__in=[Push.State.CONFIRMED, Push.State.RUNNING], then=F("push__state")),
    default=Value("waiting"),
    output_field=CharField(),
)
SHOWN = ("failed", "running", "waiting", "confirmed")


def rollout_list(request: HttpRequest) -> HttpResponse:
    context = {
        "listing": listing(request, Rollout.objects.with_progress(), LIST_FILTERS, SORTS),
        "states": Rollout.State,
    }
    return page(request, "firewalls/rollouts.html", context)


def rollout_new(request: HttpRequest) -> HttpResponse:
    """Which firewalls were chosen and how they will be gone through; posted, the beginning of it."""
    _may(request)
    firewalls, cause = _chosen(request)
    form = RolloutForm(request.POST if request.method == "POST" else None, initial={"cause": cause})
    if form.is_valid():
        try:
            made = rollouts.start(firewalls, by=request.user.get_username(), **form.cleaned_data)
        except ValidationError as error:
            form.refuse(error)
        else:
            return redirect("firewalls:rollout_detail", made.pk)
    sizes = form.preview(len(firewalls))
    context = {
        "firewalls": firewalls[:PER_PAGE],
        "count": len(firewalls),
        "form": form,
        "sizes": sizes,
    }
    return page(request, "firewalls/rollout_new.html", context, status=422 if form.errors else 200)


def _chosen(request: HttpRequest) -> tuple[list[Firewall], str]:
    """Those marked in the list, or all that match its filters, as far as they can be pushed to."""
    rows = Firewall.objects.with_relations().with_state().order_by("machine__name", "machine_id")
    marked = [UUID(value) for value in request.GET.getlist("firewall") if _is_uuid(value)]
    if marked:
        firewalls = list(rows.filter(pk__in=marked))
        return firewalls, f"{len(firewalls)} chosen firewall{'' if len(firewalls) == 1 else 's'}"
    if "all" not in request.GET:
        return [], ""
    given = given_filters(request, FILTERS)
    for name, value in given.items():
        rows = FILTERS[name](rows, value)
    told = ", ".join(
        f"{'name like' if name == 'q' else name} {value}" for name, value in given.items()
    )
    return list(rows.exclude(host="")), f"all firewalls with {told}" if told else "all firewalls"


def rollout_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    rollout = get_object_or_404(Rollout, pk=pk)
    waves = _waves(rollout)
    for name in (
        "total",
        *SHOWN,
    ):  # all numbers on the page come from one look at the pushes, so they fit each other
        setattr(rollout, name, sum(wave[name] for wave in waves))
    shown = request.GET.get("state") if request.GET.get("state") in SHOWN else None
    chosen = _members(rollout, shown, getattr(rollout, shown or "total"), request.GET.get("page"))
    context = {
        "rollout": rollout,
        "members": chosen,
        "waves": waves,
        "shown": shown,
        "done": rollout.confirmed + rollout.failed,
        "counts": [(name, getattr(rollout, name)) for name in SHOWN],
    }
    return page(request, "firewalls/rollout.html", context, parts={"rollout-status"})


def _members(rollout: Rollout, shown: str | None, count: int, number: str | None) -> Page[Any]:
    """A page of so many. What needs to be seen comes first: what failed, then what runs."""
    rank = Case(
        *(When(state=state, then=Value(place)) for place, state in enumerate(SHOWN)),
        output_field=IntegerField(),
    )
    members: Any = (
        rollout.members.annotate(state=STATE).annotate(rank=rank).order_by("rank", "position")
    )
    chosen = members.filter(state=shown) if shown else members
    paginator = Paginator(
        chosen.values_list("pk", flat=True), PER_PAGE
    )  # all are sorted by what is narrow, a page of them is read whole
    paginator.count = count
    found = paginator.get_page(number)
    found.object_list = list(
        members.filter(pk__in=list(found)).select_related("firewall__machine", "push")
    )
    for member in found:
        member.now = _now(member.push) if member.push else ""
    return found


def _now(push: Push) -> str:
    """What is happening, or what went wrong."""
    running = [
        STEPS.get(step["name"], step["name"]) for step in push.steps if step["state"] == "running"
    ]
    return push.error or (running[-1] if push.is_open and running else "")


def _waves(rollout: Rollout) -> list[dict[str, Any]]:
    """Each wave with how many of it are how far."""
    counts = {state: Count("pk", filter=Q(state=state)) for state in SHOWN}
    rows: Any = (
        rollout.members.annotate(state=STATE)
        .order_by("wave")
        .values("wave")
        .annotate(total=Count("pk"), **counts)
    )
    return list(rows)


@require_POST
def rollout_action(request: HttpRequest, pk: UUID, action: str) -> HttpResponse:
    _may(request)
    rollout = get_object_or_404(Rollout, pk=pk)
    act, sentence = ACTIONS[action]
    try:
        rollout = act(rollout, request.user.get_username()) or rollout
        messages.success(request, sentence)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("firewalls:rollout_detail", rollout.pk)


def _may(request: HttpRequest) -> None:
    if not request.user.has_perm("firewalls.add_push"):
        raise PermissionDenied("Pushing takes the role operator.")


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
