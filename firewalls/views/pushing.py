"""Pushing, and watching it."""

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from firewalls import tasks
from firewalls.models import Firewall, Push
from firewalls.pushing import waiting
from firewalls.pushing.steps import STEPS
from networks.common.htmx import page

ONLY_WHEN_NEEDED = {"check", "survey", "receive", "roll-back"}
ENDED = {"ok", "skipped", "failed"}


@require_POST
def check(request: HttpRequest, pk: UUID) -> HttpResponse:
    firewall = _firewall(request, pk)
    tasks.inspect_soon([firewall])
    messages.info(
        request, f"{firewall} is being compared with what was applied; reload in a moment."
    )
    return redirect("firewalls:detail", firewall.pk)


def push_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    rows = Push.objects.select_related(
        "firewall__machine__partition",
        "firewall__observation",
        "revision",
        "rollout",
        "choice",
    )
    watched = get_object_or_404(rows.defer("revision__files", "revision__plan"), pk=pk)
    context = {
        "push": watched,
        "looked_at": _looked_at(watched),
        "waits": waiting.reason(watched),
        **_progress(watched),
    }
    return page(request, "firewalls/push.html", context, parts={"push-status"})


def _looked_at(push: Push) -> datetime | None:
    """When what is on the firewall was seen last, if that was after the push."""
    checked_at = push.firewall.observation.checked_at
    if checked_at is None or push.finished_at is None or checked_at <= push.finished_at:
        return None
    return checked_at


def _progress(push: Push) -> dict[str, object]:
    """The steps with those still to come, and how far it is."""
    begun = {step["name"]: step for step in push.steps}
    steps = []
    for name, title in STEPS.items():
        if name in begun:
            steps.append({"title": title, **begun[name]})
        elif push.is_open and name not in ONLY_WHEN_NEEDED:
            steps.append({"title": title, "name": name, "state": "waiting"})
    running = [step["title"] for step in steps if step["state"] == "running"]
    return {
        "steps": steps,
        "done": sum(step["state"] in ENDED for step in steps),
        "total": len(steps),
        "now": running[0] if running else "",
    }


def _firewall(request: HttpRequest, pk: UUID) -> Firewall:
    if not request.user.has_perm("firewalls.add_push"):
        raise PermissionDenied("Pushing takes the role operator.")
    return get_object_or_404(Firewall.objects.with_relations(), pk=pk)
